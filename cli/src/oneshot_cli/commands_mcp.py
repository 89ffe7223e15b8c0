"""oneshot mcp: the tools by which Codex captures its work, on standard input and output; and how plain `codex` comes to know them."""

import typer

from oneshot_cli import ending

app = typer.Typer(help="Serve the capture tools to Codex, on standard input and output.")


@app.callback(invoke_without_command=True)
def serve(context: typer.Context) -> None:
    """Serve the capture tools to Codex, on standard input and output."""
    if context.invoked_subcommand is None:
        from oneshot_cli import mcp_server

        mcp_server.main()


@app.command("install")
def install() -> None:
    """Add the tools to the config.toml of Codex, for those who start plain `codex`. Every other setting is kept."""

    async def work() -> int:
        import os

        from oneshot_cli import codex_install

        file = codex_install.config_file(os.environ)
        if codex_install.install(file):
            backup = codex_install.backup_file(file)
            kept = f" (before: {backup})" if backup.exists() else ""
            print(f"Codex's tools for creating tasks are in {file}{kept}.")
        else:
            print(f"Codex's tools for creating tasks were in {file} already.")
        print("Start codex in a repository and ask: What tools do you have? To take them out: oneshot mcp uninstall")
        return 0

    ending.start(work())


@app.command("uninstall")
def uninstall() -> None:
    """Take the tools out of the config.toml of Codex, and put back what was in their place."""

    async def work() -> int:
        import os

        from oneshot_cli import codex_install

        file = codex_install.config_file(os.environ)
        done = "are out of" if codex_install.uninstall(file) else "were not in"
        print(f"Codex's tools for creating tasks {done} {file}.")
        return 0

    ending.start(work())
