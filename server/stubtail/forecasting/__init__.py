"""Forecasts of time series: pure numpy, no gRPC; graphs and classical models run in processes."""
