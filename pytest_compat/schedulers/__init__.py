"""Schedulers under test: one protocol, and the ways to speak it."""

from pytest_compat.schedulers.protocol import Assignment, Scheduler
from pytest_compat.schedulers.registry import SchedulerOptions, create_scheduler

__all__ = ["Assignment", "Scheduler", "SchedulerOptions", "create_scheduler"]
