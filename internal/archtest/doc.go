// Package archtest holds the laws of this code base as tests: what we agreed on is
// checked here, not remembered. A law reads the tree as it stands and says, for each
// breach, where it is, what is wrong and the way out. TestLaws judges this tree;
// TestLawsSeeBreaches shows each law a tree that breaks it.
//
// To change a law, change its data (tables, lists with reasons) in the same commit as
// the code that needs it, and say why there.
package archtest
