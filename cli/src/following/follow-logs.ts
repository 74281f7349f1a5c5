import { CALLS, isEnded, type LogView } from '@carillon/contracts'
import type { Client } from '../client/client.ts'
import { now } from '../clock.ts'
import { EXIT } from '../exit-code.ts'
import type { Invocation } from '../invocation.ts'
import { logText, missingText } from '../output/log-text.ts'
import { runText } from '../output/run-text.ts'
import { interruptible } from './interrupt.ts'
import { LogFollower, type LogListener } from './log-follower.ts'
import { RunWatch } from './run-watch.ts'

/** Shows what is stored of a run's log, then goes on live until the run ends. Answers the exit code. */
export async function followLogs(
  { client, invocation }: { client: Client; invocation: Invocation },
  runId: string,
  accepts: (line: LogView) => boolean,
): Promise<number> {
  const { terminal } = invocation
  // A wrong id is an error at once, not a wait for ever.
  await client.call(CALLS.runsGet, { runId })
  const listener: LogListener = {
    line: (line) => accepts(line) && (terminal.json ? terminal.value(line) : terminal.print(logText(terminal, line, now()))),
    missing: (count) => terminal.note(missingText(terminal, count)),
  }
  const interrupt = interruptible()
  const logs = new LogFollower(client, runId, listener)
  const watch = new RunWatch(client, runId)
  try {
    await logs.readStored()
    const ended = await watch.untilEnded(
      { view: () => undefined, away: (error) => terminal.note(`${error.message}; waiting for it`) },
      interrupt.signal,
    )
    if (ended === undefined || !isEnded(ended.state)) return interrupt.exitCode
    await logs.finish(ended, false)
    if (!terminal.json) terminal.note(runText(terminal, ended, now()))
    return EXIT.ok
  } finally {
    interrupt.done()
    logs.close()
    watch.close()
  }
}
