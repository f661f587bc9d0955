@echo off
rem The last line leaves the batch before it starts Node, as npm's own commands do: Pulumi ends the pack with a
rem Ctrl-Break, and cmd would ask "Terminate batch job (Y/N)?" and wait for an answer that nobody gives.
goto #_undefined_# 2>nul || title %COMSPEC% & node "%~dp0pulumi-analyzer-policy-trading" %*
