"""Readings from devices of Modbus TCP.

`source.open_source` builds the source of a plan; `device` is what the plan says of the device; `frames` is the
protocol, sans-IO; `reads` says which registers are read together, `blocks` decodes them, `connection` asks. What a
value in registers is stands in `lineside.domain.intake.registers`.
"""
