"""The report as one self-contained HTML file, from the template, style and script here."""
