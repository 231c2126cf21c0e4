"""The field's standard consolidation experiment on PlanetLab days: an outside judge.

Owns a simulation of VMs packed onto as few hosts as they need, in two modes: `cloudsim` gives
the figures of CloudSim 4.0 to every printed digit, `physical` leaves out that experiment's
quirks. Sources: Beloglazov and Buyya, "Optimal online deterministic algorithms and adaptive
heuristics for energy and performance efficient dynamic consolidation of virtual machines in
cloud data centers", Concurrency and Computation 24(13), 2012; CloudSim 4.0, org.cloudbus.cloudsim
.power and .examples.power.
"""
