import type { Beat, InstanceView } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Field, TextInput } from '../../parts/field.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Page, Section } from '../../parts/page.tsx'
import { useRefresh } from '../../stream/use-live-call.ts'
import { useTopics } from '../../stream/use-topics.ts'
import { textOf } from '../../url/search.ts'
import layout from '../layout.module.css'
import { InstanceCard } from './instance-card.tsx'
import { type Loads, versionSkew, withBeat } from './loads.ts'

/** One page with every instance: the services and the versions that run are counted over all of them. */
const MOST_INSTANCES = 1_000

/** Who runs the work, how loaded they are, and what may be done with them. */
export function ExecutorsPage(): ReactNode {
  const { executors: texts } = useMessages()
  const { pages, loads } = useInstances()
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const text = textOf(search, 'text') ?? textOf(search, 'instance') ?? ''
  const setText = (wanted: string) => {
    navigate({ to: '.', search: { text: wanted } as never, replace: true }).catch(() => undefined)
  }
  const instances = pages.items as readonly InstanceView[] | undefined
  const wanted = text.trim().toLowerCase()
  const shown = instances?.filter(({ instance, service, handlers }) =>
    [instance, service, ...handlers].some((part) => part.toLowerCase().includes(wanted)),
  )
  const skew = versionSkew(instances ?? [])
  return (
    <Page title={texts.title}>
      <div className={layout['toolbar']}>
        <div className={layout['grow']}>
          <Field label={texts.filter}>
            <TextInput type="search" value={text} onChange={(event) => setText(event.currentTarget.value)} />
          </Field>
        </div>
      </div>
      {[...skew].map(([service, versions]) => (
        <p key={service} className={layout['note']}>
          {texts.skew(service, versions.join(', '))}
        </p>
      ))}
      <Section title={texts.title} side={shown && <span className={layout['small']}>{texts.shown(shown.length)}</span>}>
        <ListStates items={shown} error={pages.error} onRetry={pages.reload} empty={wanted === '' ? texts.nothing : texts.nothingMatches} />
        {shown?.map((instance) => (
          <InstanceCard
            key={instance.instance}
            instance={instance}
            beats={loads.get(instance.instance) ?? [instance.load]}
            isSkewed={skew.has(instance.service)}
          />
        ))}
        <MoreButton pages={pages} />
      </Section>
    </Page>
  )
}

/** Live instances, read again when one comes or goes; their load is that of the beats. */
function useInstances() {
  const refresh = useRefresh('instancesList')
  const [loads, setLoads] = useState<Loads>(new Map())
  useTopics(['instances'], {
    onMessage: ({ what, name, body }) => {
      if (what === 'beat') setLoads((before) => withBeat(before, name, body as unknown as Beat))
      else refresh()
    },
    onResync: refresh,
  })
  return { loads, pages: usePages('instancesList', { limit: 100 }, { atLeast: MOST_INSTANCES }) }
}
