"""Intake: what arrives from a machine is accepted, or refused for a named reason; nothing else can happen to it.

One rule table, `reasons.Reason`, serves two paths that must agree: single values as machines deliver them
(`values`, `times`) and whole columns of them (the ``*_column`` functions of the same modules, which go the fast
way and hand every cell that does not pass to the rule for single values). `gate.Gate` puts the rules of a plan
around both, knows duplicates (`duplicates`) and hands out batches.
"""
