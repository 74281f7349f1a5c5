import { type FormEvent, type ReactNode, useState } from 'react'
import { useAction } from '../../../api/use-call.ts'
import { useMessages } from '../../../language/language-context.tsx'
import { Button } from '../../../parts/button.tsx'
import { Dialog, DialogActions } from '../../../parts/dialog.tsx'
import { Field, TextArea, TextInput } from '../../../parts/field.tsx'
import { ProblemNote } from '../../../parts/states.tsx'
import { readJson } from './json-input.ts'

export interface SignalDialogProps {
  readonly runId: string
  readonly isOpen: boolean
  readonly onClose: () => void
}

export function SignalDialog({ runId, isOpen, onClose }: SignalDialogProps): ReactNode {
  const { run } = useMessages()
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title={run.actions.signal}>
      <SignalForm runId={runId} onClose={onClose} />
    </Dialog>
  )
}

function SignalForm({ runId, onClose }: Omit<SignalDialogProps, 'isOpen'>): ReactNode {
  const { run, parts } = useMessages()
  const [problem, setProblem] = useState<string>()
  const send = useAction('runsSignal', ['runsSignals', 'runsGet', 'runsWhy'])
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const read = readJson(String(form.get('payload')))
    setProblem('problem' in read ? run.notJson(read.problem) : undefined)
    if ('value' in read) send.mutate({ runId, name: String(form.get('name')), payload: read.value ?? null }, { onSuccess: onClose })
  }
  return (
    <form onSubmit={submit} className="stack">
      <Field label={run.signalName}>
        <TextInput name="name" required autoFocus />
      </Field>
      <Field label={run.signalPayload} {...(problem === undefined ? {} : { problem })}>
        <TextArea name="payload" rows={5} />
      </Field>
      {send.error !== null && <ProblemNote error={send.error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button type="submit" look="main" disabled={send.isPending}>
          {run.send}
        </Button>
      </DialogActions>
    </form>
  )
}
