// Package benchmark compares programmes without telling of any: how fast registrations are decided, how many deals are won, how
// large they are.
//
//	opted out ◀──▶ opted in        by an Admin, at any time, at once
//	quarter over ──▶ released      once, by the program itself; never made anew
//
// A cell is one figure of one segment in one quarter: the median of the figures of the programmes in it, each counted once, and
// rounded. Whoever looks at releases must not find out about fewer than ten programmes.
//
// Invariants:
//
//  1. Only programmes that are opted in when the quarter is released are in it.
//  2. At least ten programmes stand behind each figure (k); the database refuses fewer.
//  3. No programme brings more than a quarter of the deals behind a figure (dominance).
//  4. Two figures of a metric whose programmes overlap differ by no programme or by at least ten, in both directions, whatever
//     quarter they are of; and what is left of a whole when its released parts are taken away is nobody or at least ten.
//  5. What is released holds no programme's id, and is read by programmes that are opted in.
package benchmark
