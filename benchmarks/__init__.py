"""Measurements behind the README's figures; nothing here is installed or imported by the tool."""
