import { CALLS } from '@carillon/contracts'
import type { Command } from 'commander'
import { invocationOf, withClient } from '../invocation.ts'
import { CARILLON } from '../own-command.ts'

const HELP = `
Who can reach the broker can do everything already; the link lets them in at the
console, too. Open it within a day: it works once. With the name of an account
that exists it sets the account's password.

Examples:
  ${CARILLON} admin link
  ${CARILLON} admin link --json`

/** `carillon admin …`. */
export function addAdminCommands(program: Command): void {
  const admin = program.command('admin').description('accounts of the console: link')
  admin
    .command('link')
    .description('a one-time link by which someone becomes an admin, or sets another password')
    .addHelpText('after', HELP)
    .action(makeLink)
}

async function makeLink(_options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const link = await client.call(CALLS.accountsLink, {})
    if (invocation.terminal.json) invocation.terminal.value(link)
    else invocation.terminal.print(link.url)
  })
}
