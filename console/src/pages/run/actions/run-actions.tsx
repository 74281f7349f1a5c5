import type { RunView } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAction } from '../../../api/use-call.ts'
import { useMessages } from '../../../language/language-context.tsx'
import { RoleButton } from '../../../parts/button.tsx'
import { ConfirmDialog } from '../../../parts/dialog.tsx'
import { ACTION_ROLE, actionsOf, type RunAction } from './action-rules.ts'
import { AgainDialog } from './again-dialog.tsx'
import { SignalDialog } from './signal-dialog.tsx'

const STALE = ['runsGet', 'runsWhy', 'runsTree', 'runsTasks', 'runsSignals'] as const

/** What can be done with the run, by its state and the reader's role. */
export function RunActions({ run }: { readonly run: RunView }): ReactNode {
  const { run: texts } = useMessages()
  const [open, setOpen] = useState<RunAction>()
  const pause = useAction('runsPause', STALE)
  const resume = useAction('runsResume', STALE)
  const close = () => setOpen(undefined)
  const act = (action: RunAction) => {
    if (action === 'pause') pause.mutate({ runId: run.runId })
    else if (action === 'resume') resume.mutate({ runId: run.runId })
    else setOpen(action)
  }
  return (
    <>
      {actionsOf(run).map((action, i) => (
        <RoleButton key={action} role={ACTION_ROLE} look={i === 0 ? 'plain' : 'quiet'} onClick={() => act(action)}>
          {texts.actions[action]}
        </RoleButton>
      ))}
      <CancelDialog run={run} isOpen={open === 'cancel'} onClose={close} />
      <RetryDialog run={run} only={undefined} isOpen={open === 'retry'} onClose={close} />
      <RetryDialog run={run} only="failed" isOpen={open === 'retryFailed'} onClose={close} />
      <SignalDialog runId={run.runId} isOpen={open === 'signal'} onClose={close} />
      <AgainDialog run={run} isOpen={open === 'again'} onClose={close} />
    </>
  )
}

interface ActionDialogProps {
  readonly run: RunView
  readonly isOpen: boolean
  readonly onClose: () => void
}

function CancelDialog({ run, isOpen, onClose }: ActionDialogProps): ReactNode {
  const { run: texts } = useMessages()
  const cancel = useAction('runsCancel', STALE)
  return (
    <ConfirmDialog
      isOpen={isOpen}
      onClose={onClose}
      title={texts.cancelTitle}
      action={texts.actions.cancel}
      isDangerous
      isPending={cancel.isPending}
      error={cancel.error}
      onConfirm={() => cancel.mutate({ runId: run.runId }, { onSuccess: onClose })}
    >
      {texts.cancelText}
    </ConfirmDialog>
  )
}

function RetryDialog({ run, only, isOpen, onClose }: ActionDialogProps & { readonly only: 'failed' | undefined }): ReactNode {
  const { run: texts } = useMessages()
  const retry = useAction('runsRetry', STALE)
  return (
    <ConfirmDialog
      isOpen={isOpen}
      onClose={onClose}
      title={texts.retryTitle}
      action={only === undefined ? texts.actions.retry : texts.actions.retryFailed}
      isPending={retry.isPending}
      error={retry.error}
      onConfirm={() => retry.mutate({ runId: run.runId, only }, { onSuccess: onClose })}
    >
      {texts.retryText}
    </ConfirmDialog>
  )
}
