import { type FieldChange, printable } from '@carillon/contracts'
import { harmless, type Terminal } from '../output/terminal.ts'
import { isPut, type Step } from './plan-apply.ts'

/** Prints what differs: a line for each job, and one for each field. */
export function printSteps(terminal: Terminal, steps: readonly Step[]): void {
  for (const step of steps) {
    if (step.action === 'remove') terminal.print(terminal.paint('bad', `- ${step.name}  (not in the file)`))
    if (!isPut(step)) continue
    terminal.print(step.action === 'create' ? terminal.paint('good', `+ ${step.name}`) : terminal.paint('warning', `~ ${step.name}`))
    for (const change of step.fields) terminal.print(`    ${changeText(terminal, change)}`)
  }
}

const VALUE_LETTERS = 200

/** One field that differs, such as `~ schedule.cron: "@daily" → "@hourly"`. */
export function changeText(terminal: Terminal, { field, from, to }: FieldChange): string {
  const shown = (value: unknown) => harmless(printable(value, VALUE_LETTERS))
  const name = harmless(field)
  if (from === undefined) return terminal.paint('good', `+ ${name}: ${shown(to)}`)
  if (to === undefined) return terminal.paint('bad', `- ${name}: ${shown(from)}`)
  return terminal.paint('warning', `~ ${name}: ${shown(from)} → ${shown(to)}`)
}

/** How many jobs are created, changed and so on, such as `1 created, 2 unchanged`. */
export function countsText(steps: readonly Step[], tense: 'done' | 'planned'): string {
  const count = (action: Step['action']) => steps.filter((step) => step.action === action).length
  const words = { create: 'created', change: 'changed', remove: 'removed', unchanged: 'unchanged' } as const
  const parts = (['create', 'change', 'remove', 'unchanged'] as const).flatMap((action) => {
    const jobs = count(action)
    if (jobs === 0) return []
    return `${jobs} ${tense === 'done' || action === 'unchanged' ? words[action] : `to be ${words[action]}`}`
  })
  return parts.join(', ')
}

/** The same for programs. */
export function stepViews(steps: readonly Step[]): object[] {
  return steps.map((step) =>
    step.action === 'remove' ? { name: step.name, action: step.action } : { name: step.name, action: step.action, fields: step.fields },
  )
}
