"""How good a judgement was: every figure of a backtest, each from its published definition.

Pure numpy; nothing here knows a model or a file. Truth and alarms are boolean columns of length ``n`` in the
order judged; a share with nothing under the line (no alarms for a precision, say) is NaN, never a flattering 0 or 1.
"""
