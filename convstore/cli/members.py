"""Commands about workspaces and who belongs to them."""

from __future__ import annotations

from typing import Annotated

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, print_table

workspace = typer.Typer(help="Teams: everything belongs to one.", no_args_is_help=True)
member = typer.Typer(help="Who may do what in a workspace.", no_args_is_help=True)
app.add_typer(workspace, name="workspace")
app.add_typer(member, name="member")

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="Name in commands and addresses.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]
RoleOption = Annotated[str, typer.Option("--role", help="viewer, reviewer, lead or admin.")]


@command(workspace, "list")
def list_workspaces(call: Call) -> None:
    """List one's workspaces."""
    with call.store() as store:
        found = store.memberships()
    call.answer(
        {"items": found}, lambda: print_table(("Slug", "Name", "Role"), [(m.slug, m.name, m.role) for m in found])
    )


@command(workspace, "create")
def create(
    call: Call, slug: Slug, name: Annotated[str | None, typer.Option("--name", help="Name on screens.")] = None
) -> None:
    """Make a workspace, as its admin."""
    with call.store() as store:
        made = store.create_workspace(slug, name=name)
    call.answer({"id": made, "slug": slug}, lambda: console().print(f"made {slug}"))


@command(workspace, "rename")
def rename(call: Call, name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Give the workspace another name on screens; its slug stays."""
    with call.store() as store:
        store.update_workspace(name=name)
        settings = store.workspace()
    call.answer(settings, lambda: console().print(f"{settings.slug} is called {settings.name}"))


@command(workspace, "show")
def show(call: Call) -> None:
    """Show what is settled for the workspace."""
    with call.store() as store:
        settings = store.workspace()
    rows = [
        ("slug", settings.slug),
        ("name", settings.name),
        ("blind", "yes" if settings.blind else "no"),
        ("language", settings.language),
        ("quota", "unlimited" if settings.quota_bytes is None else f"{settings.quota_bytes:,} bytes"),
        ("reject reasons", "; ".join(settings.reject_reasons)),
        ("guidelines", settings.guidelines),
    ]
    call.answer(settings, lambda: print_table(("Setting", "Value"), rows, wrapped=("Value",)))


@command(workspace, "set")
def settle(
    call: Call,
    blind: Annotated[
        bool | None, typer.Option("--blind/--open", help="Hide others' scores until one's own is in.")
    ] = None,
    guidelines: Annotated[str | None, typer.Option("--guidelines", help="What reviewers should know.")] = None,
    reason: Annotated[
        list[str] | None, typer.Option("--reject-reason", help="Offered when something is rejected; replaces all.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", metavar="CODE", help="ISO 639-1, such as en.")] = None,
    quota_bytes: Annotated[int | None, typer.Option("--quota-bytes", min=0, help="Most bytes of files.")] = None,
) -> None:
    """Change what is settled for the workspace; what is left out stays."""
    given = {
        "blind": blind,
        "guidelines": guidelines,
        "reject_reasons": reason or None,
        "language": language,
        "quota_bytes": quota_bytes,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    with call.store() as store:
        if changes:
            store.update_workspace(**changes)
        settings = store.workspace()
    call.answer(settings, lambda: console().print(f"{settings.slug}: {', '.join(changes) or 'nothing'} changed"))


@command(member, "list")
def list_members(call: Call) -> None:
    """List members, and for admins who is invited."""
    with call.store() as store:
        members, invited = store.members()
    rows = [(m.name, m.email, m.role, "member") for m in members] + [
        (None, i.email, i.role, "invited") for i in invited
    ]
    call.answer(
        {"members": members, "invited": invited}, lambda: print_table(("Name", "E-mail", "Role", "State"), rows)
    )


@command(member, "add")
def add(call: Call, email: Email, role: RoleOption = "reviewer") -> None:
    """Add somebody by e-mail; whoever has not signed in yet is invited."""
    with call.store() as store:
        outcome = store.add_member(email, role)  # type: ignore[arg-type]
    call.answer(
        {"email": email.strip().lower(), "role": role, "outcome": outcome},
        lambda: console().print(f"{email.strip().lower()} is {outcome} as {role}"),
    )


@command(member, "role")
def change_role(call: Call, email: Email, role: Annotated[str, typer.Argument(metavar="ROLE")]) -> None:
    """Give a member or an invited person another role."""
    with call.store() as store:
        store.change_role(email, role)  # type: ignore[arg-type]
    call.answer({"email": email.strip().lower(), "role": role}, lambda: console().print(f"{email} is {role} now"))


@command(member, "remove")
def remove(call: Call, email: Email) -> None:
    """End a membership, or withdraw an invitation."""
    with call.store() as store:
        store.remove_member(email)
    call.answer({"email": email.strip().lower()}, lambda: console().print(f"{email} is removed"))
