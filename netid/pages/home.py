"""The first page: what this is, and where to begin."""

from flask import Blueprint, Response

from netid.pages.frame import show


def add_routes(routes: Blueprint, platform_url: str | None) -> None:
    """`/`; it links to the demo platform where one is configured."""

    def home() -> Response:
        return show("home.html", platform_url=platform_url)

    routes.add_url_rule("/", "home", home)
