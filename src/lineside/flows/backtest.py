"""Run past data through learn, judge and alert."""
