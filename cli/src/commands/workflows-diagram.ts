import { CALLS, CarillonError, type Graph, graphOf, isName, type Workflow } from '@carillon/contracts'
import type { Command } from 'commander'
import { workflowOf } from '../client/workflow-of.ts'
import { type Invocation, invocationOf, withClient } from '../invocation.ts'
import { readNamedText } from '../job-files/jobs-file-source.ts'
import { CARILLON } from '../own-command.ts'

const HELP = `
What has only letters, digits, "-" and "_" is the name of a stored workflow; write ./order for a file that is called so, and - for standard input.

Examples:
  ${CARILLON} workflows diagram order > order.svg
  ${CARILLON} workflows diagram order.yaml > order.svg
  ${CARILLON} workflows diagram order --run 01m7yybeay0000x3p1yp1qmpb2 > run.svg`

/** `carillon workflows diagram`: the graph as a picture. */
export function addDiagramCommand(workflows: Command): void {
  workflows
    .command('diagram')
    .description('the graph as SVG, on standard output')
    .argument('<name|file>')
    .option('--run <run>', 'the graph of this run, with the states of its nodes')
    .addHelpText('after', HELP)
    .action(drawWorkflow)
}

async function drawWorkflow(nameOrFile: string, { run }: { run?: string }, self: Command): Promise<void> {
  const invocation = invocationOf(self)
  const { terminal } = invocation
  // Loaded here: no other command needs it.
  const [{ drawingOf, drawingOfRun }, { layOut }, { svgOf }] = await Promise.all([
    import('../diagram/drawing.ts'),
    import('../diagram/layout.ts'),
    import('../diagram/svg.ts'),
  ])
  const { name, workflow } = await (isName(nameOrFile) && nameOrFile !== '-' ? stored(invocation, nameOrFile) : written(nameOrFile))
  const drawing =
    run === undefined ? drawingOf(name, graphIn(workflow)) : drawingOfRun(`${name}: run ${run}`, await nodesOf(invocation, { run, name }))
  const layout = await layOut(drawing)
  if (layout.by === 'layers')
    terminal.note(`${terminal.paint('warning', 'warning')} the graph is too large to be laid out in time: its nodes are in plain layers`)
  const svg = svgOf(drawing.title, layout)
  if (terminal.json) terminal.value({ svg, layout: layout.by })
  else await terminal.write(svg)
}

interface Named {
  readonly name: string
  readonly workflow: Workflow
}

const stored = (invocation: Invocation, name: string): Promise<Named> => withClient(invocation, (client) => workflowOf(client, name))

async function written(path: string): Promise<Named> {
  const { text, name } = await readNamedText(path, 'file')
  const { readWorkflowFile, refuseProblems } = await import('../workflow-files/read-workflow-file.ts')
  const file = readWorkflowFile(text, name)
  refuseProblems(name, file.problems)
  return file.job
}

/** What is stored was checked, and so was what a file holds. */
function graphIn(workflow: Workflow): Graph {
  const graph = graphOf(workflow)
  if (!('problems' in graph)) return graph
  throw new CarillonError('INVALID_WORKFLOW', graph.problems[0]?.problem ?? '', { field: 'workflow', problems: graph.problems })
}

async function nodesOf(invocation: Invocation, { run: runId, name }: { run: string; name: string }) {
  return withClient(invocation, async (client) => {
    const { nodes, job, mode } = await client.call(CALLS.runsTree, { runId })
    if (nodes && job === name) return nodes
    const is = nodes ? `of ${job}` : `no workflow, but ${mode}`
    throw new CarillonError('INVALID_REQUEST', `run ${runId} is no run of workflow ${name}: it is ${is}`, {
      field: '--run',
      value: runId,
      hint: `Give one of ${CARILLON} runs list --job ${name}.`,
    })
  })
}
