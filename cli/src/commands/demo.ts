import type { Command } from 'commander'
import { brokerInvocationOf } from '../invocation.ts'

/** `carillon demo`: an executor to try things with. */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('the demo executor: handlers hello, report, flaky, slow')
    .action(async (_options: unknown, self: Command) => {
      const invocation = brokerInvocationOf(self)
      const { runDemo } = await import('../demo/run-demo.ts')
      await runDemo(invocation)
    })
}
