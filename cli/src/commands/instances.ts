import { CALLS, type InstanceView } from '@carillon/contracts'
import type { Command } from 'commander'
import { pagesOf } from '../client/pages.ts'
import { now } from '../clock.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { schemaConflictTexts } from '../output/instance-text.ts'
import { printList } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import { relativeText, spanText, timeText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'
import { addCordonCommands, cordonText } from './instances-cordon.ts'
import { addHandlersCommand } from './instances-handlers.ts'
import { addListOptions, type ListOptions } from './list-options.ts'

const MIB = 1024 * 1024
const EMPTY = `No executor is connected. Start one of yours (docs: README), or the demo: ${CARILLON} demo`

/** `carillon instances …`. */
export function addInstancesCommands(program: Command): void {
  const instances = program.command('instances').description('live executors: list, handlers, cordon, uncordon, drain')
  addListOptions(instances.command('list').alias('ls').description('live executors and what they offer')).action(listInstances)
  addHandlersCommand(instances)
  addCordonCommands(instances)
}

async function listInstances({ limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const conflicts = new Set<string>()
    const pages = pagesOf(async (cursor) => {
      const page = await client.call(CALLS.instancesList, { limit, cursor })
      for (const text of schemaConflictTexts(page.items)) conflicts.add(text)
      return page
    })
    await printList(invocation.terminal, pages, { all: all === true, columns: columns(), empty: `${EMPTY}${invocation.repeated}` })
    for (const text of conflicts) invocation.terminal.note(invocation.terminal.paint('warning', `warning: ${text}`))
  })
}

/** A handler that declares a program is shown by that. */
function handlersText({ handlers, programs = [] }: InstanceView): string {
  return handlers.map((name) => programs.find((program) => program.startsWith(`${name}@`)) ?? name).join(', ')
}

function runningText({ load, capacity, hung, hungIdleMs }: InstanceView): string {
  const slots = `${load.running}/${capacity}`
  if (hungIdleMs !== undefined) return `${slots}, hung: idle for ${spanText(load.idleMs ?? hungIdleMs)}`
  if (!(load.stuck > 0)) return slots
  const [longest] = load.stuckTasks
  return `${slots}, ${hung ? 'hung: ' : ''}${load.stuck >= capacity ? 'all' : load.stuck} stuck${longest ? ` (${longest.handler} ${longest.taskId} for ${spanText(longest.forMs)})` : ''}`
}

/** Of what the process may use together with others: `34 % of 2 CPUs, 61 % of 512 MiB`. Empty where the executor does not say. */
function sharesText({ load: { groupCpu, cpuLimit, groupMemoryBytes, memoryLimitBytes } }: InstanceView): string {
  const cpu = groupCpu !== undefined && cpuLimit ? [`${percentText(groupCpu)} of ${cpuLimit} CPU${cpuLimit === 1 ? '' : 's'}`] : []
  const isKnown = groupMemoryBytes !== undefined && memoryLimitBytes
  const memory = isKnown ? [`${percentText(groupMemoryBytes / memoryLimitBytes)} of ${mebibytesText(memoryLimitBytes)}`] : []
  return [...cpu, ...memory].join(', ')
}

const percentText = (share: number) => `${Math.round(share * 100)} %`
const mebibytesText = (bytes: number) => `${Math.round(bytes / MIB)} MiB`

function columns(): Column<InstanceView>[] {
  const nowMs = now()
  return [
    { heading: 'INSTANCE', text: (instance) => instance.instance, narrow: 'whole' },
    { heading: 'SERVICE', text: (instance) => `${instance.service} ${instance.version}` },
    { heading: 'HANDLERS', text: handlersText },
    { heading: 'RUNNING', text: runningText },
    { heading: 'CORDONED', text: (instance) => cordonText(instance, nowMs) },
    { heading: 'BLOCKED', text: ({ load }) => (load.blockedMs === undefined ? '' : `for ${spanText(load.blockedMs)}`) },
    { heading: 'CPU', text: ({ load }) => percentText(load.cpu), narrow: 3 },
    { heading: 'MEMORY', text: ({ load }) => mebibytesText(load.memoryBytes), narrow: 3 },
    { heading: 'OF LIMITS', text: sharesText, narrow: 4 },
    { heading: 'DELAY', text: ({ load }) => `${Math.round(load.eventLoopDelayMs)} ms`, narrow: 4 },
    {
      heading: 'LABELS',
      text: ({ labels }) =>
        Object.entries(labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
      narrow: 4,
    },
    { heading: 'SINCE', text: ({ since }) => timeText(since, nowMs), brief: ({ since }) => relativeText(since, nowMs), narrow: 2 },
    { heading: 'HEARD', text: (instance) => `${spanText(instance.silentMs)} ago`, narrow: 1 },
  ]
}
