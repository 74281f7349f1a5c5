import { CALLS, type CallInput, type RunView, type StartedRun } from '@carillon/contracts'
import { freshRunId } from '@carillon/wire/internal'
import type { Client } from '../client/client.ts'
import { now } from '../clock.ts'
import { EXIT } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { jsonText, runText } from '../output/run-text.ts'
import { CARILLON } from '../own-command.ts'
import { type Interrupt, interruptible } from './interrupt.ts'
import { LogFollower } from './log-follower.ts'
import { RunPrinter } from './run-printer.ts'
import { RunWatch } from './run-watch.ts'

/** A command that starts one run. */
export interface RunSession {
  readonly client: Client
  readonly invocation: Invocation
  /** Print the result only. */
  readonly quiet: boolean
}

type StartInput = CallInput<typeof CALLS.jobsRun>

/** Starts a run and says which. Answers the exit code. */
export async function startDetached({ client, invocation, quiet }: RunSession, input: StartInput): Promise<number> {
  const { terminal, repeated } = invocation
  const started = await startOnce(client, input, freshRunId())
  const view = await client.call(CALLS.runsGet, { runId: started.runId })
  if (terminal.json) terminal.value({ ...outcomeOf(view), created: started.created })
  else if (quiet) terminal.print(started.runId)
  else {
    new RunPrinter(terminal, quiet).began(started)
    terminal.print(runText(terminal, view, now()))
    const follow = view.mode === 'workflow' ? `runs watch ${started.runId}` : `logs ${started.runId} -f`
    terminal.note(terminal.paint('quiet', `follow it: ${CARILLON} ${follow}${repeated}`))
  }
  return EXIT.ok
}

/** Starts a run, shows it live, prints its result. Answers the exit code. */
export async function startAndWait(session: RunSession, input: StartInput): Promise<number> {
  const runId = freshRunId()
  return await waitFor(session, runId, () => startOnce(session.client, input, runId))
}

/**
 * Starts a run under a fresh id; the id of a run with a key follows from the key. A request whose answer was lost was sent again: the run with the
 * fresh id is ours, also when that answer says that it was there.
 */
export async function startOnce(client: Pick<Client, 'call'>, input: StartInput, id: string): Promise<StartedRun> {
  const { runId, created } = await client.call(CALLS.jobsRun, input.key === undefined ? { ...input, id } : input)
  return { runId, created: created || runId === id }
}

/**
 * Listens, then lets `begin` start the run, so that no line and no change is missed; waits for its end. Answers the exit code.
 * @param begin answers the run it started, which for a known key is another one than `runId`
 */
export async function waitFor(session: RunSession, runId: string, begin: () => Promise<StartedRun>): Promise<number> {
  const printer = new RunPrinter(session.invocation.terminal, session.quiet)
  const interrupt = interruptible()
  let ears = listen(session.client, runId, printer)
  try {
    const started = await begin()
    const isOurs = started.created && started.runId === runId
    if (started.runId !== runId) {
      ears.close()
      ears = listen(session.client, started.runId, printer)
    }
    printer.began(started)
    if (!isOurs) await ears.logs.catchUp()
    const ended = await ears.watch.untilEnded(printer, interrupt.signal)
    if (ended === undefined) return sayHowToGoOn(session.invocation, ears.watch.last ?? started, interrupt)
    // Late log lines are waited for where they are shown.
    if (!session.quiet && !session.invocation.terminal.json) await ears.logs.finish(ended, isOurs)
    printer.ended(ended)
    return printEnd(session, ended)
  } finally {
    interrupt.done()
    ears.close()
  }
}

function listen(client: Client, runId: string, printer: RunPrinter) {
  const watch = new RunWatch(client, runId)
  const logs = new LogFollower(client, runId, printer)
  const close = () => {
    watch.close()
    logs.close()
  }
  return { watch, logs, close }
}

function printEnd({ invocation, quiet }: RunSession, run: RunView): number {
  const { terminal } = invocation
  const hasSucceeded = run.state === 'succeeded'
  if (terminal.json) terminal.value(outcomeOf(run))
  else if (hasSucceeded) terminal.print(jsonText(terminal, run.result))
  else if (quiet) terminal.note(runText(terminal, run, now()))
  return hasSucceeded ? EXIT.ok : EXIT.failed
}

/** What a program reads of a run; `result` and `reason` are there even when there is none. */
const outcomeOf = (run: Partial<RunView>) => ({ ...run, result: run.result ?? null, reason: run.reason ?? null })

function sayHowToGoOn({ terminal, repeated }: Invocation, run: Partial<RunView> & { runId: string }, interrupt: Interrupt): number {
  if (terminal.json) terminal.value(outcomeOf(run))
  // What a workflow waits for is in none of its log lines.
  const follow = run.mode === 'workflow' ? `runs watch ${run.runId}` : `logs ${run.runId} -f`
  terminal.note(`The run goes on. Follow it: ${CARILLON} ${follow}${repeated} · cancel it: ${CARILLON} runs cancel ${run.runId}${repeated}`)
  return interrupt.exitCode
}
