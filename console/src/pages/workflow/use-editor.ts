import type { ErrorProblem } from '@carillon/contracts'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useMemo, useState } from 'react'
import { makeExactCall } from '../../api/exact-call.ts'
import { asProblem } from '../../api/problem.ts'
import { keyOf } from '../../api/use-call.ts'
import { systemClock } from '../../time/clock.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import { checkDocument } from '../../workflow/check.ts'
import type { WorkflowDocument } from '../../workflow/document.ts'
import { jobOf } from '../../workflow/files.ts'
import { edited, type History, historyOf, redone, undone } from '../../workflow/history.ts'

export interface Editor {
  readonly document: WorkflowDocument
  readonly isChanged: boolean
  readonly canUndo: boolean
  readonly canRedo: boolean
  readonly change: (next: WorkflowDocument, mark?: string) => void
  readonly undo: () => void
  readonly redo: () => void
}

/** What is edited, with its versions. Ctrl+Z and Ctrl+Shift+Z, outside of fields of text, which have an undo of their own. */
export function useEditor(initial: WorkflowDocument): Editor {
  // What it began with, whatever is handed in by later renders.
  const [first] = useState(initial)
  const [history, setHistory] = useState<History<WorkflowDocument>>(() => historyOf(first))
  const undo = () => setHistory(undone)
  const redo = () => setHistory(redone)
  const press = useEffectEvent((event: KeyboardEvent) => {
    const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
    if (!(event.ctrlKey || event.metaKey) || isTyping) return
    const key = event.key.toLowerCase()
    if (key !== 'z' && key !== 'y') return
    event.preventDefault()
    if (key === 'y' || event.shiftKey) redo()
    else undo()
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => press(event)
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
  return {
    document: history.present,
    isChanged: history.present !== first,
    canUndo: history.past.length > 0,
    canRedo: history.future.length > 0,
    change: (next, mark) => setHistory((before) => edited(before, next, mark)),
    undo,
    redo,
  }
}

/** Typing rests so long before the service is asked. */
const REST_MS = 500

export interface Findings {
  readonly problems: readonly ErrorProblem[]
  readonly warnings: readonly string[]
  /** The service has found nothing. */
  readonly isChecked: boolean
}

/** What is wrong: at once what can be seen here, then what the service finds, which also checks expressions. */
export function useFindings(document: WorkflowDocument): Findings {
  const namespace = useNamespace()
  const own = useMemo(() => checkDocument(document), [document])
  const text = JSON.stringify(jobOf(document))
  const [rested, setRested] = useState(text)
  useEffect(() => systemClock.after(REST_MS, () => setRested(text)), [text])
  const { data } = useQuery({
    queryKey: keyOf(namespace, 'jobsCheck', rested),
    enabled: own.length === 0 && document.job.name !== '',
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      try {
        return { ...(await makeExactCall('jobsCheck', JSON.parse(rested), { namespace, signal })), problems: [] }
      } catch (error) {
        // A gateway that does not answer says nothing about the document.
        if (asProblem(error).body.retry === true) throw error
        return { warnings: [], problems: problemsOf(error) }
      }
    },
  })
  if (own.length > 0) return { problems: own, warnings: [], isChecked: false }
  const isCurrent = data !== undefined && rested === text
  return { problems: isCurrent ? data.problems : [], warnings: data?.warnings ?? [], isChecked: isCurrent && data.problems.length === 0 }
}

function problemsOf(error: unknown): ErrorProblem[] {
  const { errors, field = '', detail, hint = '' } = asProblem(error).body
  const all = errors !== undefined && errors.length > 0 ? errors : [{ field, detail, hint }]
  return all.map((one) => ({ field: one.field, value: '', problem: one.detail, hint: one.hint }))
}
