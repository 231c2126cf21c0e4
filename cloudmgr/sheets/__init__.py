"""Spreadsheets as offices send and want them: XLSX and CSV in, XLSX out.

Owns cells, headers and row-exact faults; what a row means is each noun's own.
"""
