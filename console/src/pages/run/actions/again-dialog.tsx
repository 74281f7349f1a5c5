import type { RunView } from '@carillon/contracts'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { makeCall } from '../../../api/call.ts'
import { ApiProblem } from '../../../api/problem.ts'
import { useMessages } from '../../../language/language-context.tsx'
import { Button } from '../../../parts/button.tsx'
import { Dialog, DialogActions } from '../../../parts/dialog.tsx'
import { Field, TextArea } from '../../../parts/field.tsx'
import { jsonText } from '../../../parts/json-text.ts'
import { ProblemNote } from '../../../parts/states.tsx'
import { pagePath } from '../../../url/page-path.ts'
import { useNamespace } from '../../../url/use-namespace.ts'
import { changedLines, readJson } from './json-input.ts'

export interface AgainDialogProps {
  readonly run: RunView
  readonly isOpen: boolean
  readonly onClose: () => void
}

/** Starts a new run like this one, with the payload as it is edited. */
export function AgainDialog({ run, isOpen, onClose }: AgainDialogProps): ReactNode {
  const { run: texts } = useMessages()
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={texts.againTitle} isWide>
      <AgainForm run={run} onClose={onClose} />
    </Dialog>
  )
}

function useStart(run: RunView, onStarted: (runId: string) => void) {
  const namespace = useNamespace()
  return useMutation({
    mutationFn: async (payload: unknown) => {
      const given = payload === undefined ? {} : { payload }
      if (run.job !== undefined) return makeCall('jobsRun', { job: run.job, ...given }, { namespace })
      const { runs } = await makeCall('runsStart', { runs: [{ handler: run.handler, ...given }] }, { namespace })
      const [started] = runs
      if (started === undefined || !('runId' in started)) {
        const { code = 'INTERNAL', message = '', hint = '' } = started?.error ?? { code: 'INTERNAL', message: '' }
        throw new ApiProblem({ status: 400, code, detail: message, ...(hint === '' ? {} : { hint }) })
      }
      return started
    },
    onSuccess: ({ runId }) => onStarted(runId),
  })
}

function AgainForm({ run, onClose }: Omit<AgainDialogProps, 'isOpen'>): ReactNode {
  const { run: texts, parts } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const original = jsonText(run.payload)
  const [text, setText] = useState(original)
  const start = useStart(run, (runId) => {
    onClose()
    navigate({ to: pagePath(namespace, `runs/${runId}`) }).catch(() => undefined)
  })
  const read = readJson(text)
  const lines = changedLines(original, text)
  return (
    <>
      <p className="muted">{texts.againText}</p>
      <Field
        label={texts.payload}
        hint={lines === 0 ? texts.unchanged : texts.changed(lines)}
        {...('problem' in read ? { problem: texts.notJson(read.problem) } : {})}
      >
        <TextArea rows={14} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </Field>
      {start.error !== null && <ProblemNote error={start.error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button look="main" disabled={start.isPending || 'problem' in read} onClick={() => 'value' in read && start.mutate(read.value)}>
          {texts.start}
        </Button>
      </DialogActions>
    </>
  )
}
