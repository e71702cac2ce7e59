"""Sensors before process: what a signal's own parts say of the sensor that measured them."""
