import { reportFailure } from './failure.ts'
import { createProgram } from './program.ts'
import { endWithWrapper } from './wrapper.ts'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader has seen enough, as in `carillon runs list | head`.
  if (error.code === 'EPIPE') process.exit()
  throw error
})

endWithWrapper(process)

try {
  await createProgram().parseAsync()
} catch (error) {
  process.exitCode = reportFailure(error, process)
}

// A command that went wrong, or that ran until it was stopped, may leave something open that keeps the process alive and cannot be ended from
// here: the NATS client goes on waiting for a server that accepted its connection and stays silent.
if (process.exitCode !== undefined) {
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve))
  process.exit()
}
