"""The grader: says what a verification must run, and what came of it. It executes nothing and keeps nothing."""
