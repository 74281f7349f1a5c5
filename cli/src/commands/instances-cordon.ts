import { CALLS, CarillonError, checkName, type Drained, type InstanceView } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import type { Client } from '../client/client.ts'
import { now, pause } from '../clock.ts'
import { EXIT } from '../exit-code.ts'
import { interruptible } from '../following/interrupt.ts'
import { type Invocation, invocationOf, withClient } from '../invocation.ts'
import { exactSpanText, relativeText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'

const ASK_EVERY_MS = 500
/** An executor that obeys says so in its next beat. */
const OBEYS_WITHIN_MS = 10_000

const HELP = `
A cordoned instance is given no tasks and keeps those that it runs, until it is
uncordoned; its process stays. A process that starts again under the same name
is still cordoned: give instances names of their own.

Examples:
  ${CARILLON} instances cordon web-1 --note 'kernel update'
  ${CARILLON} instances drain web-1 --wait 5m && ssh web-1 reboot
  ${CARILLON} instances uncordon web-1`

/** `carillon instances cordon | uncordon | drain`. */
export function addCordonCommands(instances: Command): void {
  const withNote = (command: Command) =>
    command.argument('<instance>').option('--note <text>', 'why, for those who list it').addHelpText('after', HELP)
  withNote(instances.command('cordon').description('give an instance no more tasks; it keeps what it runs')).action(cordonInstance)
  instances
    .command('uncordon')
    .description('give a cordoned instance tasks again')
    .argument('<instance>')
    .addHelpText('after', HELP)
    .action(uncordonInstance)
  withNote(instances.command('drain').description('cordon an instance, and wait until it holds no task'))
    .option('--wait <duration>', 'how long to wait at most, such as 5m; default: until it is empty', (text) =>
      parseDuration('--wait', text),
    )
    .action(drainInstance)
}

async function cordonInstance(instance: string, { note }: { note?: string }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  checkName('instance', instance)
  await withClient(invocation, async (client) => {
    const view = await client.call(CALLS.instancesCordon, { instance, note })
    if (invocation.terminal.json) invocation.terminal.value(view)
    else invocation.terminal.print(`${instance} is cordoned${view.load.running > 0 ? `; it still runs ${view.load.running}` : ''}`)
  })
}

async function uncordonInstance(instance: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  checkName('instance', instance)
  await withClient(invocation, async (client) => {
    const outcome = await client.call(CALLS.instancesUncordon, { instance })
    if (invocation.terminal.json) invocation.terminal.value(outcome)
    else invocation.terminal.print(outcome.uncordoned ? `${instance} is given tasks again` : `${instance} was not cordoned`)
  })
}

async function drainInstance(instance: string, { note, wait }: { note?: string; wait?: number }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  checkName('instance', instance)
  await withClient(invocation, async (client) => {
    const interrupt = interruptible()
    try {
      const first = await client.call(CALLS.instancesDrain, { instance, note })
      const last = await untilEmpty({ client, invocation, waitMs: wait ?? Number.POSITIVE_INFINITY, signal: interrupt.signal }, first)
      if (last === undefined) {
        invocation.terminal.note(`${instance} stays cordoned: ${CARILLON} instances uncordon ${instance}${invocation.repeated}`)
        process.exitCode = interrupt.exitCode
      } else if (invocation.terminal.json) invocation.terminal.value(last)
      else {
        invocation.terminal.print(last.isEmpty ? `${instance} is empty, and stays cordoned` : `${instance} has left`)
        for (const text of await boundTo(client, instance)) invocation.terminal.note(invocation.terminal.paint('warning', text))
      }
      if (last) process.exitCode = EXIT.ok
    } finally {
      interrupt.done()
    }
  })
}

/** The programs of which it is the last instance, and that open runs are bound to. */
async function boundTo(client: Client, instance: string): Promise<string[]> {
  const { items } = await client.call(CALLS.versionsList, {})
  const needed = items.filter(
    ({ instances, accepting, open }) => open > 0 && [...instances, ...accepting].every((name) => name === instance),
  )
  return needed.map(
    ({ program, open }) =>
      `${open} open ${open === 1 ? 'run goes' : 'runs go'} on with ${program}, which no other instance has or accepts: they wait when it is stopped`,
  )
}

interface Waiting {
  readonly client: Client
  readonly invocation: Invocation
  readonly waitMs: number
  readonly signal: AbortSignal
}

/** Answers undefined when it was interrupted; one that is not empty has left. @throws CarillonError DRAIN_INCOMPLETE when the time is over */
async function untilEmpty({ client, invocation: { terminal }, waitMs, signal }: Waiting, first: Drained): Promise<Drained | undefined> {
  const { instance } = first.instance
  const startedAt = now()
  let shown = ''
  for (let drained = first; !drained.isEmpty; ) {
    const waitedMs = now() - startedAt
    const text = stillText(drained.instance, waitedMs)
    if (text !== shown && !terminal.json) terminal.note(text)
    shown = text
    if (waitedMs >= waitMs) {
      throw new CarillonError('DRAIN_INCOMPLETE', `instance ${instance} was not empty after ${exactSpanText(waitMs)}: ${text}`, {
        field: '--wait',
        value: exactSpanText(waitMs),
      })
    }
    if (!(await pause(Math.min(ASK_EVERY_MS, waitMs - waitedMs), signal))) return undefined
    try {
      drained = await client.call(CALLS.instancesDrain, { instance, continues: true })
    } catch (error) {
      if (CarillonError.is(error) && error.code === 'INSTANCE_UNKNOWN') return drained
      throw error
    }
    if (drained.isEmpty) return drained
  }
  return first
}

/** What an instance still holds; without ages, which would make each text another one. */
function stillText({ instance, load }: InstanceView, waitedMs: number): string {
  if (load.cordoned !== true) {
    const isSilent = load.cordoned === undefined && waitedMs > OBEYS_WITHIN_MS
    return isSilent
      ? `${instance} does not say that it is cordoned: an executor of another version or language, which may go on pulling tasks. It runs ${load.running}`
      : `${instance} has not confirmed yet; it runs ${load.running}`
  }
  const holds = load.holds ?? []
  const names = holds.map(({ handler, taskId }) => `${handler} ${taskId}`).join(', ')
  return `${instance} still holds ${Math.max(load.running, holds.length)}: ${names || 'handlers that ignored their abort'}`
}

/** Why and since when an instance is cordoned. */
export function cordonText({ cordoned }: Pick<InstanceView, 'cordoned'>, nowMs: number): string {
  if (cordoned === undefined) return ''
  const by = cordoned.by === undefined ? '' : ` by ${cordoned.by}`
  return `${relativeText(cordoned.at, nowMs)}${by}${cordoned.note === undefined ? '' : `: ${cordoned.note}`}`
}
