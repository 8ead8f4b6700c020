"""Export finished runs to trackers. A file in this folder that defines EXPORTER adds a tracker."""
