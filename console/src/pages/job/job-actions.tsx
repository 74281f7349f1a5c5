import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useAction } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { RoleButton } from '../../parts/button.tsx'
import { ConfirmDialog } from '../../parts/dialog.tsx'
import { Field, TextInput } from '../../parts/field.tsx'
import { pagePath } from '../../url/page-path.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'

const STALE = ['jobsGet', 'jobsList', 'jobsHistory'] as const

interface JobDialogProps {
  readonly name: string
  readonly onClose: () => void
}

export function PauseDialog({ name, onClose }: JobDialogProps): ReactNode {
  const { job: texts, jobs: listTexts } = useMessages()
  const pause = useAction('jobsPause', STALE)
  const [note, setNote] = useState('')
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={texts.pauseTitle(name)}
      action={texts.pause}
      isPending={pause.isPending}
      error={pause.error}
      onConfirm={() => pause.mutate({ name, ...(note === '' ? {} : { note }) }, { onSuccess: onClose })}
    >
      <div className={layout['stack']}>
        <p>{listTexts.bulkText.pause(1)}</p>
        <Field label={listTexts.note}>
          <TextInput value={note} onChange={(event) => setNote(event.currentTarget.value)} />
        </Field>
      </div>
    </ConfirmDialog>
  )
}

export function ResumeButton({ name }: { readonly name: string }): ReactNode {
  const { job: texts } = useMessages()
  const resume = useAction('jobsResume', STALE)
  return (
    <RoleButton role="operator" disabled={resume.isPending} onClick={() => resume.mutate({ name })}>
      {texts.resume}
    </RoleButton>
  )
}

export function RemoveDialog({ name, onClose }: JobDialogProps): ReactNode {
  const { job: texts } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const remove = useAction('jobsRemove', ['jobsList'])
  const [keepRuns, setKeepRuns] = useState(false)
  const leave = () => {
    navigate({ to: pagePath(namespace, 'jobs') }).catch(() => undefined)
  }
  return (
    <ConfirmDialog
      isOpen
      onClose={onClose}
      title={texts.removeTitle(name)}
      action={texts.remove}
      isDangerous
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ name, keepRuns }, { onSuccess: leave })}
    >
      <div className={layout['stack']}>
        <p>{texts.removeText}</p>
        <label className={layout['tick']}>
          <input
            type="checkbox"
            className={layout['check']}
            checked={keepRuns}
            onChange={(event) => setKeepRuns(event.currentTarget.checked)}
          />
          {texts.keepRuns}
        </label>
      </div>
    </ConfirmDialog>
  )
}
