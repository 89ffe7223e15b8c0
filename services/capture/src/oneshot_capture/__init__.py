"""Capture: turns what was done between two moments into a task folder. It sees trees and words, never a working tree."""
