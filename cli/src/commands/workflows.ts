import { CALLS, CarillonError, type ErrorProblem } from '@carillon/contracts'
import type { Command } from 'commander'
import type { Client } from '../client/client.ts'
import { pagesOf } from '../client/pages.ts'
import { workflowOf } from '../client/workflow-of.ts'
import { EXIT } from '../exit-code.ts'
import { invocationOf, withClient } from '../invocation.ts'
import { readNamedText } from '../job-files/jobs-file-source.ts'
import { nodesText } from '../output/node-text.ts'
import { problemText } from '../output/problem.ts'
import { printList } from '../output/table.ts'
import { harmless, type Terminal } from '../output/terminal.ts'
import { CARILLON } from '../own-command.ts'
import type { FileProblem, WorkflowFile } from '../workflow-files/read-workflow-file.ts'
import { addListOptions, type ListOptions } from './list-options.ts'
import { printWorkflow, workflowColumns } from './workflow-view.ts'
import { addDiagramCommand } from './workflows-diagram.ts'

const FILE_HELP = `
The file is YAML or JSON, or - for standard input: name, nodes, failFast, output,
and options of the job such as schedule or attempts; or a job with the member
workflow. For help by an editor:
  ${CARILLON} workflows schema > workflow.schema.json
and begin the file with
  # yaml-language-server: $schema=workflow.schema.json

Example:
  name: order
  nodes:
    - { id: reserve, handler: reserve-stock }
    - id: check
      after: reserve
      decision:
        - { when: payload.total > 1000, to: cool }
        - { otherwise: charge }
    - { id: cool, wait: { duration: 1d } }
    - { id: charge, handler: charge-card, after: [check, cool], attempts: 5 }`

/** `carillon workflows …`. */
export function addWorkflowsCommands(program: Command): void {
  const workflows = program.command('workflows').description('jobs that are graphs of nodes: put, validate, list, get, rm, diagram, schema')
  workflows
    .command('put')
    .description('create a workflow, or replace the one of that name; runs that have begun keep their graph')
    .argument('<file>')
    .addHelpText('after', FILE_HELP)
    .action(putWorkflow)
  workflows
    .command('validate')
    .description('all that is wrong with a workflow, each with its line; stores nothing')
    .argument('<file>')
    .option('--offline', 'without the mesh, which checks expressions')
    .addHelpText('after', FILE_HELP)
    .action(validateWorkflow)
  addListOptions(workflows.command('list').alias('ls').description('workflows by name')).action(listWorkflows)
  workflows.command('get').description('one workflow, with its nodes').argument('<name>').action(getWorkflow)
  workflows
    .command('rm')
    .alias('remove')
    .description('remove a workflow; its runs that wait for their time end, those that run go on')
    .argument('<name>')
    .option('--keep-runs', 'also those that wait stay')
    .action(removeWorkflow)
  addDiagramCommand(workflows)
  workflows.command('schema').description('the JSON Schema of a workflow as a file, for editors, on standard output').action(printSchema)
}

/** Loaded here: a reader of YAML would delay the start of every other command. */
async function readFile(path: string): Promise<WorkflowFile> {
  const { text, name } = await readNamedText(path, 'file')
  const { readWorkflowFile } = await import('../workflow-files/read-workflow-file.ts')
  return readWorkflowFile(text, name)
}

async function printSchema(_options: unknown, self: Command): Promise<void> {
  const { workflowSchemaText } = await import('../workflow-files/workflow-schema.ts')
  await invocationOf(self).terminal.write(workflowSchemaText())
}

async function putWorkflow(path: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const file = await readFile(path)
  const { refuseProblems } = await import('../workflow-files/read-workflow-file.ts')
  refuseProblems(file.name, file.problems)
  await withClient(invocation, async (client) => {
    const put = async () => {
      try {
        return await client.call(CALLS.jobsPut, file.job)
      } catch (error) {
        refuseProblems(file.name, problemsFrom(error, file))
        throw error
      }
    }
    printWorkflow(invocation.terminal, await put())
  })
}

/** What a service has found; none of an error that says nothing about the file. */
function problemsFrom(error: unknown, file: WorkflowFile): FileProblem[] {
  const { message, details, retry } = CarillonError.from(error)
  const { field, value = '', hint = '', problems = [] } = details
  if (retry || field === undefined) return []
  const single: ErrorProblem = { field, value, problem: message, hint }
  return (problems.length > 0 ? problems : [single]).map(file.at).toSorted((one, other) => one.line - other.line)
}

async function validateWorkflow(path: string, { offline }: { offline?: true }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const file = await readFile(path)
  const isAsked = file.problems.length === 0 && !offline
  const asked = isAsked ? await withClient(invocation, (client) => ask(client, file)) : { problems: file.problems, warnings: [] }
  report(invocation.terminal, file, asked)
}

interface Findings {
  readonly problems: readonly FileProblem[]
  readonly warnings: readonly string[]
}

async function ask(client: Client, file: WorkflowFile): Promise<Findings> {
  try {
    return { problems: [], warnings: (await client.call(CALLS.jobsCheck, file.job)).warnings }
  } catch (error) {
    const problems = problemsFrom(error, file)
    if (problems.length === 0) throw error
    return { problems, warnings: [] }
  }
}

function report(terminal: Terminal, file: WorkflowFile, { problems, warnings }: Findings): void {
  const isValid = problems.length === 0
  if (!isValid) process.exitCode = EXIT.wrongInput
  if (terminal.json) {
    terminal.value({ file: file.name, valid: isValid, problems, warnings })
    return
  }
  for (const warning of warnings) terminal.note(`${terminal.paint('warning', 'warning')} ${harmless(warning)}`)
  for (const { line, ...problem } of problems) terminal.print(harmless(`${file.name}:${line} ${problemText(problem)}`))
  terminal.print(
    isValid
      ? `${file.name} is valid: ${nodesText(file.job.workflow.nodes.length)}.`
      : terminal.paint('bad', `${file.name}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}.`),
  )
}

async function listWorkflows({ limit, all }: ListOptions, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    const pages = pagesOf(async (cursor) => {
      const page = await client.call(CALLS.jobsList, { limit, cursor })
      return { ...page, items: page.items.filter(({ workflow }) => workflow !== undefined) }
    })
    const empty = `No workflows yet. Make one: ${CARILLON} workflows put order.yaml${invocation.repeated}`
    await printList(invocation.terminal, pages, { all: all === true, columns: workflowColumns(), empty })
  })
}

async function getWorkflow(name: string, _options: unknown, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => printWorkflow(invocation.terminal, await workflowOf(client, name)))
}

async function removeWorkflow(name: string, options: { keepRuns?: true }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  await withClient(invocation, async (client) => {
    await workflowOf(client, name)
    const outcome = await client.call(CALLS.jobsRemove, { name, keepRuns: options.keepRuns === true })
    if (invocation.terminal.json) invocation.terminal.value({ name, ...outcome })
    else invocation.terminal.print(`removed ${name}; its runs: ${CARILLON} runs list --job ${name}${invocation.repeated}`)
  })
}
