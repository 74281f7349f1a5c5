import type { AlertChannelView } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAction } from '../../api/use-call.ts'
import { usePages } from '../../api/use-pages.ts'
import { useMessages } from '../../language/language-context.tsx'
import { RoleButton } from '../../parts/button.tsx'
import { ListStates } from '../../parts/list-states.tsx'
import { MoreButton } from '../../parts/more-button.tsx'
import { Section } from '../../parts/page.tsx'
import { Badge } from '../../parts/state-badge.tsx'
import { ProblemNote } from '../../parts/states.tsx'
import { AbsoluteTime, RelativeTime } from '../../time/time.tsx'
import layout from '../layout.module.css'
import { ChannelForm } from './channel-form.tsx'
import { EditDialog, RemoveDialog } from './named-dialogs.tsx'

export function ChannelsTab(): ReactNode {
  const { alerts: texts } = useMessages()
  const pages = usePages('alertChannelsList', { limit: 100 })
  const channels = pages.items as readonly AlertChannelView[] | undefined
  const [edited, setEdited] = useState<AlertChannelView | 'new'>()
  const [removed, setRemoved] = useState<AlertChannelView>()
  const remove = useAction('alertChannelsRemove', ['alertChannelsList'])
  return (
    <Section
      title={texts.tabs.channels}
      side={
        <RoleButton role="developer" look="main" onClick={() => setEdited('new')}>
          {texts.newChannel}
        </RoleButton>
      }
    >
      <ListStates items={channels} error={pages.error} onRetry={pages.reload} empty={texts.noChannels} />
      {channels?.map((channel) => (
        <ChannelCard key={channel.name} channel={channel} onChange={() => setEdited(channel)} onRemove={() => setRemoved(channel)} />
      ))}
      <MoreButton pages={pages} />
      <EditDialog edited={edited} newTitle={texts.newChannel} onClose={() => setEdited(undefined)}>
        {(channel) => <ChannelForm channel={channel} onClose={() => setEdited(undefined)} />}
      </EditDialog>
      <RemoveDialog removed={removed} remove={remove} onClose={() => setRemoved(undefined)}>
        {texts.removeChannelText}
      </RemoveDialog>
    </Section>
  )
}

interface ChannelCardProps {
  readonly channel: AlertChannelView
  readonly onChange: () => void
  readonly onRemove: () => void
}

function ChannelCard({ channel, onChange, onRemove }: ChannelCardProps): ReactNode {
  const { name, target, address, enabled, last, disabled, failures = 0, heldUntil } = channel
  const { alerts: texts, parts } = useMessages()
  const test = useAction('alertChannelsTest', ['alertChannelsList'])
  return (
    <article className={layout['card']}>
      <div className={layout['head']}>
        <strong>{name}</strong>
        <Badge tone="calm">{texts.kinds[target.kind]}</Badge>
        <span className={layout['code']}>{address}</span>
        {!enabled && <Badge tone="calm">{texts.off}</Badge>}
        <span className={`${layout['buttons']} ${layout['push']}`}>
          <RoleButton role="developer" size="small" disabled={test.isPending} onClick={() => test.mutate({ name })}>
            {texts.test}
          </RoleButton>
          <RoleButton role="developer" size="small" onClick={onChange}>
            {texts.change}
          </RoleButton>
          <RoleButton role="developer" size="small" onClick={onRemove}>
            {parts.remove}
          </RoleButton>
        </span>
      </div>
      {last !== undefined && (
        <p className={layout['small']}>
          {last.delivered ? texts.lastSent : texts.lastFailed} <RelativeTime at={last.at} />: {last.answer}
        </p>
      )}
      {failures > 0 && (
        <p className={layout['note']}>
          {texts.failuresInRow(failures)} {heldUntil !== undefined && <AbsoluteTime at={heldUntil} />}
        </p>
      )}
      {disabled !== undefined && (
        <p className={layout['note']}>
          {disabled.why} <RelativeTime at={disabled.at} />
        </p>
      )}
      <div role="status">
        {test.data !== undefined && (
          <p className={layout[test.data.delivered ? 'good' : 'note']}>
            {test.data.delivered ? texts.testSent : texts.testFailed} {test.data.answer}
          </p>
        )}
      </div>
      {test.error !== null && <ProblemNote error={test.error} />}
    </article>
  )
}
