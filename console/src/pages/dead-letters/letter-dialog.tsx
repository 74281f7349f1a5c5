import type { DeadLetter } from '@carillon/contracts'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { makeCall } from '../../api/call.ts'
import { makeExactCall } from '../../api/exact-call.ts'
import { keyOf, useCall } from '../../api/use-call.ts'
import { isSameJson, UnfinishedJson } from '../../forms/exact-json.ts'
import { JsonEditor } from '../../forms/json-editor.tsx'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { Dialog, DialogActions } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/page.tsx'
import { PageLink } from '../../parts/page-link.tsx'
import { ErrorState, LoadingState, ProblemNote } from '../../parts/states.tsx'
import { AbsoluteTime } from '../../time/time.tsx'
import { useNamespace } from '../../url/use-namespace.ts'
import { fieldProblems } from '../job/use-save-job.ts'
import layout from '../layout.module.css'

/** One letter: its arguments, what failed, and the decisions. */
export function LetterDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }): ReactNode {
  const { data, error } = useCall('deadLettersGet', { id })
  return (
    <Dialog isOpen onClose={onClose} title={data?.scene ?? id} isWide>
      {error !== null && data === undefined && <ErrorState error={error} />}
      {data === undefined && error === null && <LoadingState />}
      {data !== undefined && <LetterDecision letter={data} onClose={onClose} />}
    </Dialog>
  )
}

function LetterDecision({ letter, onClose }: { readonly letter: DeadLetter; readonly onClose: () => void }): ReactNode {
  const { deadLetters: texts, parts } = useMessages()
  const namespace = useNamespace()
  const queries = useQueryClient()
  const [payload, setPayload] = useState<unknown>(letter.payload)
  const isChanged = !isSameJson(payload, letter.payload)
  const decide = useMutation({
    mutationFn: async (action: 'redrive' | 'rollback' | 'remove') => {
      const { id } = letter
      if (action === 'redrive') return makeExactCall('deadLettersRedrive', { id, ...(isChanged ? { payload } : {}) }, { namespace })
      if (action === 'rollback') return makeCall('deadLettersRollback', { id }, { namespace })
      return makeCall('deadLettersRemove', { id }, { namespace })
    },
    onSuccess: async (_answer, action) => {
      await queries.invalidateQueries({ queryKey: keyOf(namespace, 'deadLettersList') })
      if (action === 'redrive') await queries.invalidateQueries({ queryKey: keyOf(namespace, 'deadLettersGet') })
      else onClose()
    },
  })
  const redrivenAs = decide.data !== undefined && 'created' in decide.data ? decide.data.runId : letter.redrivenAs
  const [problem] = fieldProblems(decide.error).filter(({ field }) => field.startsWith('payload'))
  return (
    <div className={layout['stack']}>
      <LetterFacts letter={letter} />
      <JsonEditor
        label={texts.arguments}
        hint={texts.argumentsHint}
        value={payload}
        onChange={setPayload}
        {...(problem === undefined ? {} : { problem: `${problem.detail}. ${problem.hint}` })}
      />
      {redrivenAs !== undefined && (
        <p className={layout['good']} role="status">
          {texts.redrivenAs} <PageLink page={`runs/${redrivenAs}`}>{redrivenAs}</PageLink>
        </p>
      )}
      {decide.error !== null && <ProblemNote error={decide.error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.close}</Button>
        <RoleButton role="operator" look="danger" disabled={decide.isPending} onClick={() => decide.mutate('remove')}>
          {parts.remove}
        </RoleButton>
        <RoleButton
          role="operator"
          disabled={decide.isPending || redrivenAs !== undefined}
          title={texts.rollbackHint}
          onClick={() => decide.mutate('rollback')}
        >
          {texts.rollback}
        </RoleButton>
        <RoleButton
          role="operator"
          look="main"
          disabled={decide.isPending || redrivenAs !== undefined || payload instanceof UnfinishedJson}
          onClick={() => decide.mutate('redrive')}
        >
          {isChanged ? texts.redriveChanged : texts.redrive}
        </RoleButton>
      </DialogActions>
    </div>
  )
}

function LetterFacts({ letter }: { readonly letter: DeadLetter }): ReactNode {
  const { deadLetters: texts } = useMessages()
  const { id, key, reason, failure, attempts, at, requestedAt, retry } = letter
  return (
    <>
      <Facts
        facts={[
          { name: texts.run, value: <PageLink page={`runs/${id}`}>{id}</PageLink> },
          ...(key === undefined ? [] : [{ name: texts.key, value: key }]),
          ...(reason === undefined ? [] : [{ name: texts.reason, value: reason }]),
          { name: texts.attempts, value: String(attempts) },
          { name: texts.requested, value: <AbsoluteTime at={requestedAt} /> },
          { name: texts.at, value: <AbsoluteTime at={at} /> },
        ]}
      />
      {failure !== undefined && (
        <p className={layout['code']}>
          {failure.name}: {failure.message}
        </p>
      )}
      {(retry?.failed ?? []).length > 0 && (
        <ol className={layout['list']} aria-label={texts.tries}>
          {retry?.failed?.map(({ attempt, at: when, name, message }) => (
            <li key={attempt} className={layout['code']}>
              {attempt} · <AbsoluteTime at={when} /> · {name}: {message}
            </li>
          ))}
        </ol>
      )}
    </>
  )
}
