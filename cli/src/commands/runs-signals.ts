import { CALLS, CarillonError, LIMITS, printable, type SignalSent, type SignalView } from '@carillon/contracts'
import { randomLetters } from '@carillon/wire/internal'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { readPayload } from '../arguments/payload.ts'
import { parseText } from '../arguments/scalars.ts'
import { pagesOf } from '../client/pages.ts'
import { now } from '../clock.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { stateTone } from '../output/run-text.ts'
import { printList } from '../output/table.ts'
import type { Column } from '../output/table-layout.ts'
import { relativeText, timeText } from '../output/time-text.ts'
import { CARILLON } from '../own-command.ts'
import { addListOptions, type ListOptions } from './list-options.ts'

const HELP = `
A signal is kept until something in the run waits for it: also for a run that has
not been started yet, then for 7 days, or --ttl.

Examples:
  ${CARILLON} runs signal 0abcdefghjkmnpqrstvwxyz012 paid '{"ref":1}'
  ${CARILLON} runs signal 0abcdefghjkmnpqrstvwxyz012 paid @receipt.json --id receipt-17`

/** `carillon runs signal` and `signals`. */
export function addSignalCommands(runs: Command): void {
  runs
    .command('signal')
    .description('send a signal to a run, which is kept until something in the run waits for it')
    .argument('<run>')
    .argument('<name>', 'what the run waits for')
    .argument('[payload]', 'JSON, @file, or - for standard input; null by default')
    .option('--id <id>', 'its message id: of several with the same one the first counts', (text) =>
      parseText('--id', text, 'Give an id of the message.'),
    )
    .option('--ttl <duration>', 'how long it is kept when nothing takes it, such as 2h, 30d; 7d by default', (text) => ttlOf(text))
    .addHelpText('after', HELP)
    .action(sendSignal)
  addListOptions(
    runs
      .command('signals')
      .description('the signals of a run: taken, kept, or unclaimed because there is no such run so far')
      .argument('<run>'),
  ).action(listSignals)
}

/** @throws CarillonError INVALID_DELAY */
function ttlOf(text: string): number {
  const ms = parseDuration('--ttl', text)
  if (ms > 0 && ms <= LIMITS.signalTtlMaxMs) return ms
  const hint = `Use a duration up to ${LIMITS.signalTtlMaxMs / 86_400_000}d.`
  throw new CarillonError('INVALID_DELAY', `--ttl is wrong: ${printable(text)}`, { field: '--ttl', value: printable(text), hint })
}

interface SignalOptions {
  readonly id?: string
  readonly ttl?: number
}

async function sendSignal(
  runId: string,
  name: string,
  payload: string | undefined,
  { id, ttl }: SignalOptions,
  self: Command,
): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal, repeated } = invocation
  const given = payload === undefined ? null : await readPayload(payload)
  await withClient(invocation, async (client) => {
    const more = ttl === undefined ? {} : { ttlMs: ttl }
    const sent = await client.call(CALLS.runsSignal, { runId, name, payload: given, id: id ?? randomLetters(26), ...more })
    if (terminal.json) terminal.value(sent)
    else terminal.print(textOf(sent, repeated))
  })
}

function textOf({ runId, name, created, state }: SignalSent, repeated: string): string {
  const again = created ? '' : 'It was there already. '
  if (state === 'taken') return `${again}Run ${runId} goes on with signal ${name}.`
  const kept = `Signals of it: ${CARILLON} runs signals ${runId}${repeated}`
  const why = `What it waits for: ${CARILLON} runs why ${runId}${repeated}`
  if (state === 'kept') return `${again}Signal ${name} is kept: run ${runId} does not wait for it yet. ${why}\n${kept}`
  return `${again}Signal ${name} is kept: there is no run ${runId} so far. ${kept}`
}

async function listSignals(runId: string, { limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf((cursor) => client.call(CALLS.runsSignals, { runId, limit, cursor }))
    await printList(invocation.terminal, pages, {
      all: all === true,
      columns: signalColumns(),
      empty: 'No signals have come for this run.',
    })
  })
}

function signalColumns(): Column<SignalView>[] {
  const nowMs = now()
  return [
    { heading: 'SIGNAL', text: ({ name }) => name, narrow: 'whole' },
    { heading: 'STATE', text: ({ state }) => state, tone: ({ state }) => stateTone(state === 'taken' ? 'succeeded' : 'waiting') },
    { heading: 'AT', text: ({ at }) => timeText(at, nowMs), brief: ({ at }) => relativeText(at, nowMs) },
    { heading: 'BY', text: ({ by }) => by ?? '' },
    { heading: 'TAKEN BY', text: ({ takenBy }) => takenBy ?? '' },
    { heading: 'EXPIRES', text: ({ expiresAt }) => timeText(expiresAt, nowMs), brief: ({ expiresAt }) => relativeText(expiresAt, nowMs) },
    { heading: 'PAYLOAD', text: ({ payload }) => JSON.stringify(payload) },
  ]
}
