import { DEFAULT_NAMESPACE, VERSION } from '@carillon/contracts'
import { Command, Option } from 'commander'
import { addAdminCommands } from './commands/admin.ts'
import { addAlertsCommands } from './commands/alerts.ts'
import { addCalendarsCommands } from './commands/calendars.ts'
import { addConformanceCommand } from './commands/conformance.ts'
import { addDeadLettersCommands } from './commands/dead-letters.ts'
import { addDemoCommand } from './commands/demo.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addExecutorCommand } from './commands/executor.ts'
import { addHealthCommands } from './commands/health.ts'
import { addInstancesCommands } from './commands/instances.ts'
import { addJobsCommands } from './commands/jobs.ts'
import { addLogsCommand } from './commands/logs.ts'
import { addPruneCommand } from './commands/prune.ts'
import { addRunCommand } from './commands/run.ts'
import { addRunsCommands } from './commands/runs.ts'
import { addServiceCommands } from './commands/service.ts'
import { addStatsCommand } from './commands/stats.ts'
import { addUpCommand } from './commands/up.ts'
import { addVersionsCommands } from './commands/versions.ts'
import { addWorkflowsCommands } from './commands/workflows.ts'
import { addHttpOptions } from './http/http-options.ts'
import { addNatsOptions } from './nats-options.ts'
import { CARILLON } from './own-command.ts'
import { throwUsageErrors } from './usage-error.ts'

const HELP = `
Durations: 500ms, 5s, 10m, 2h, 60d; a plain number is milliseconds.
Environment: CARILLON_NATS_URL, or CARILLON_URL and CARILLON_TOKEN of a gateway; CARILLON_NAMESPACE, NO_COLOR; CARILLON_DEBUG=1 shows stack traces.
Log in: nats://user:password@host in CARILLON_NATS_URL, or CARILLON_NATS_USER and …_PASSWORD, …_TOKEN, …_CREDS, …_NKEY; for TLS …_CA, …_CERT,
…_KEY, …_TLS_FIRST. Secrets also from files (…_PASSWORD_FILE): what stands in a command line, every user of this machine can read.

Begin with:
  ${CARILLON} up --demo
  ${CARILLON} run hello '{"name":"Ada"}'`

/** The whole command line. Parsing it throws instead of ending the process. */
export function createProgram(): Command {
  const program = addHttpOptions(addNatsOptions(new Command('carillon')))
    .description('Distributed jobs: say what runs when, and watch it run.')
    .version(VERSION)
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ showGlobalOptions: true })
    .addOption(new Option('--namespace <name>', 'tenant').env('CARILLON_NAMESPACE').default(DEFAULT_NAMESPACE))
    .option('--json', 'JSON for programs instead of text for people')
    .addHelpText('after', HELP)
  addUpCommand(program.commandsGroup('Mesh:'))
  addDoctorCommand(program)
  addRunCommand(program.commandsGroup('Work:'))
  addJobsCommands(program)
  addWorkflowsCommands(program)
  addCalendarsCommands(program)
  addRunsCommands(program)
  addDeadLettersCommands(program)
  addLogsCommand(program)
  addStatsCommand(program)
  addPruneCommand(program)
  addAlertsCommands(program)
  addInstancesCommands(program)
  addVersionsCommands(program)
  addAdminCommands(program)
  addServiceCommands(program.commandsGroup('Processes:'))
  addDemoCommand(program)
  addExecutorCommand(program)
  addConformanceCommand(program)
  addHealthCommands(program)
  throwUsageErrors(program)
  return program
}
