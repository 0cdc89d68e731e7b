// Package bench measures the whole program against what stands beside it:
// processor time and memory of reading a topic that a broker in another process
// serves, in rounds in which the contenders take turns.
//
// It has tests only, and asserts no times: it prints them with their ratios.
// Answers it does assert, since a wrong answer is worth nothing however fast.
//
// Concurrency: every contender is a process of its own.
package bench
