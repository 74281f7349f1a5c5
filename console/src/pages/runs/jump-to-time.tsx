import type { ReactNode } from 'react'
import { useMessages } from '../../language/language-context.tsx'
import { Button } from '../../parts/button.tsx'
import { Field, TextInput } from '../../parts/field.tsx'
import styles from './runs-page.module.css'
import { runsPlace } from './runs-place.ts'
import type { RunsSearch } from './runs-search.ts'

/** Where the list begins: of a million runs nobody scrolls to those of last week. */
export function JumpToTime({ search: { until } }: { readonly search: RunsSearch }): ReactNode {
  const { runs } = useMessages()
  const navigate = runsPlace.useNavigate()
  const jump = (to: string | undefined) => {
    navigate({ search: (before) => ({ ...before, until: to }), replace: true }).catch(() => undefined)
  }
  const take = (text: string) => {
    if (text === (until === undefined ? '' : localText(until))) return
    jump(text === '' ? undefined : new Date(text).toISOString())
  }
  return (
    <div className={styles['jump']}>
      <Field label={runs.fields.until}>
        <TextInput
          key={until ?? ''}
          type="datetime-local"
          step={1}
          defaultValue={until === undefined ? '' : localText(until)}
          onBlur={(event) => take(event.currentTarget.value)}
          // Enter submits no form from a field of times.
          onKeyDown={(event) => event.key === 'Enter' && take(event.currentTarget.value)}
        />
      </Field>
      {until !== undefined && (
        <Button look="quiet" size="small" onClick={() => jump(undefined)}>
          {runs.toNewest}
        </Button>
      )}
    </div>
  )
}

/** In the viewer's zone, as the control of the browser takes it. */
function localText(at: string): string {
  const date = new Date(at)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
