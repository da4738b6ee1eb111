// Package browsertest runs the program as its users meet it: served on a loopback port from a fresh data directory and
// driven by a headless Chromium. Its tests walk through what people do, and hold every page to the laws of pages.
//
// One program and one browser serve all tests of a package. Each test makes a programme (tenant) of its own and opens
// tabs that share nothing with those of others. Nothing here sleeps: a Tab waits for what is to appear, with a deadline,
// and a browser that cannot be found is a failure.
package browsertest
