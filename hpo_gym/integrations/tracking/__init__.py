"""Trackers of experiments: the same few calls for MLflow, TensorBoard and Weights & Biases."""

from hpo_gym.integrations.tracking.results import log_result as log_result
from hpo_gym.integrations.tracking.tracked_run import TRACKERS as TRACKERS
from hpo_gym.integrations.tracking.tracked_run import TrackedRun as TrackedRun
from hpo_gym.integrations.tracking.tracked_run import TrackerName as TrackerName
from hpo_gym.integrations.tracking.tracked_run import TrackingError as TrackingError
from hpo_gym.integrations.tracking.tracked_run import check_tracker as check_tracker
from hpo_gym.integrations.tracking.tracked_run import tracked_run as tracked_run
