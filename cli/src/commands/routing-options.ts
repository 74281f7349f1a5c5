import { type JobInput, printable, ROUTES, type Route } from '@carillon/contracts'
import type { Command } from 'commander'
import { parseChoice, parseText, wrong } from '../arguments/scalars.ts'

/** Options that a run and a job share: on which instances tasks may run, and how one of these is chosen. */
export interface RoutingOptions {
  readonly labels?: Readonly<Record<string, string>>
  readonly where?: string
  readonly route?: Route
  readonly instances?: readonly string[]
  readonly hashKey?: string
}

const WHERE_HINT = "Give an expression over labels and load, such as 'load.cpu < 0.8'."

/** Adds those options. */
export function addRoutingOptions(command: Command): Command {
  return command
    .option('--labels <name=value,…>', 'run on instances that have all these labels, such as gpu=true,zone=a', parseLabels)
    .option('--where <expression>', "run on instances for which this is true, such as 'load.cpu < 0.8'", (text) =>
      parseText('--where', text, WHERE_HINT),
    )
    .option('--route <route>', `how the instance is chosen: ${ROUTES.join(', ')} (default: any)`, (text) =>
      parseChoice('--route', text, ROUTES),
    )
    .option('--instances <name,…>', 'the instance of the route specific; those of failover, the preferred one first', (text) =>
      parseText('--instances', text, 'Give names of instances, such as web-1,web-2.').split(','),
    )
    .option(
      '--hash-key <expression>',
      'of the route consistent-hash: runs with the same key go to the same instance (default: the job)',
      (text) => parseText('--hash-key', text, "Give an expression over the payload, such as 'payload.customer'."),
    )
}

/** Those options by their names on the wire; options that are not given are left out. */
export function routingOf({
  labels,
  where,
  route,
  instances,
  hashKey,
}: RoutingOptions): Pick<JobInput, 'labels' | 'where' | 'route' | 'instances' | 'hashKey'> {
  return {
    ...(labels === undefined ? {} : { labels: { ...labels } }),
    ...(where === undefined ? {} : { where }),
    ...(route === undefined ? {} : { route }),
    ...(instances === undefined ? {} : { instances: [...instances] }),
    ...(hashKey === undefined ? {} : { hashKey }),
  }
}

function parseLabels(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const labels = text.split(',').map((label): [string, string] => {
    const at = label.indexOf('=')
    if (at < 1) throw wrong('--labels', text, 'Give labels as name=value, such as gpu=true,zone=a.')
    return [label.slice(0, at), label.slice(at + 1)]
  })
  // An instance has one value of each label: two of them match none.
  const names = [...Object.keys(before), ...labels.map(([name]) => name)]
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw wrong('--labels', text, `Give label ${printable(twice)} once.`)
  return { ...before, ...Object.fromEntries(labels) }
}
