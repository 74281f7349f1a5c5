import { isName } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseDuration } from '../arguments/duration.ts'
import { parseWhole, wrong } from '../arguments/scalars.ts'
import { EXIT } from '../exit-code.ts'
import { brokerInvocationOf } from '../invocation.ts'
import type { Outcome } from '../mesh/conformance/run-conformance.ts'
import type { Terminal } from '../output/terminal.ts'

interface ConformanceOptions {
  readonly executor: string
  readonly port: number
  readonly wait: number
}

const HELP = `
Starts a broker of its own, plays registry and coordinator, and says which case of docs/conformance an executor fails, and why. The executor
registers as this service and offers conformance-echo, -fail, -progress, -slow and -map, if it can also -steps. It finds the broker by
CARILLON_NATS_URL and CARILLON_NAMESPACE. Without a command it is started by somebody else, at --port.

  carillon conformance --executor py -- python3 executor.py`

/** `carillon conformance`: checks whether an executor, in any language, follows the protocol. */
export function addConformanceCommand(program: Command): void {
  program
    .command('conformance')
    .description('check an executor, in any language, against the protocol; exit code 0 when every case passes')
    .argument('[command...]', 'starts the executor')
    .requiredOption('--executor <service>', 'the service that it registers as', parseService)
    .option('--port <port>', 'port of the broker; 0 picks a free one', (text) => parseWhole('--port', text, { min: 0, max: 65_535 }), 0)
    .option('--wait <time>', 'for its registration', (text) => parseDuration('--wait', text), 30_000)
    .addHelpText('after', HELP)
    .action(async (command: string[], { executor, port, wait }: ConformanceOptions, self: Command) => {
      const { terminal, namespace } = brokerInvocationOf(self)
      // Loaded here: it brings what services are made of.
      const { runConformance } = await import('../mesh/conformance/run-conformance.ts')
      const options = { executor, command, namespace, port, waitMs: wait, say: (line: string) => terminal.note(line) }
      const outcomes = await runConformance(options, (outcome) => terminal.json || terminal.print(lineOf(terminal, outcome)))
      if (terminal.json) terminal.value(outcomes)
      else terminal.print(summaryOf(outcomes))
      if (outcomes.some(({ outcome }) => outcome === 'failed')) process.exitCode = EXIT.failed
    })
}

function parseService(text: string): string {
  if (isName(text)) return text
  throw wrong('--executor', text, 'Give the service that the executor names when it registers.')
}

function lineOf(terminal: Terminal, { case: name, about, outcome, why }: Outcome): string {
  const tone = { passed: 'good', failed: 'bad', skipped: 'warning' } as const
  return `${terminal.paint(tone[outcome], outcome.padEnd(7))} ${name}: ${about}${why === undefined ? '' : `\n        ${why}`}`
}

function summaryOf(outcomes: readonly Outcome[]): string {
  const count = (wanted: Outcome['outcome']) => outcomes.filter(({ outcome }) => outcome === wanted).length
  return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`
}
