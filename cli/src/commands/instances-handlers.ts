import { CALLS, type HandlerView } from '@carillon/contracts'
import type { Command } from 'commander'
import { pagesOf } from '../client/pages.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { printList } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import { addListOptions, type ListOptions } from './list-options.ts'

/** `carillon instances handlers`. */
export function addHandlersCommand(instances: Command): void {
  addListOptions(
    instances.command('handlers').description('the handlers that live executors offer; as JSON with their input schemas'),
  ).action(listHandlers)
}

async function listHandlers({ limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.handlersList, { limit, cursor }))
    await printList(invocation.terminal, pages, { all: all === true, columns: COLUMNS, empty: 'No executor offers a handler.' })
  })
}

const COLUMNS: Column<HandlerView>[] = [
  { heading: 'HANDLER', text: ({ name }) => name, narrow: 'whole' },
  { heading: 'INSTANCES', text: ({ instances }) => String(instances) },
  { heading: 'SERVICES', text: ({ services }) => services.join(', ') },
  { heading: 'KIND', text: ({ kind = '' }) => kind, narrow: 2 },
  { heading: 'SCHEMA', text: ({ schemas }) => (schemas.length > 1 ? `${schemas.length} that differ` : schemas.length === 1 ? 'yes' : '') },
  { heading: 'DESCRIPTION', text: ({ description = '' }) => description, narrow: 1 },
]
