import type { Command } from 'commander'
import { EXIT } from '../exit-code.ts'
import { brokerInvocationOf } from '../invocation.ts'

/** `carillon doctor`: checks every part of the mesh. */
export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check every part of the mesh and report what is wrong; exit code 0 when nothing is')
    .action(async (_options: unknown, self: Command) => {
      const invocation = brokerInvocationOf(self)
      // Loaded here: it brings what services are made of.
      const { examine } = await import('../mesh/doctor/examine.ts')
      const { printFindings } = await import('../mesh/doctor/print-findings.ts')
      const findings = await examine(invocation)
      printFindings(invocation.terminal, findings)
      if (findings.some((finding) => !finding.ok)) process.exitCode = EXIT.failed
    })
}
