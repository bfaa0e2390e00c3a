import { randomBytes } from 'node:crypto'
import { SlackError } from './slack-error.ts'
import { TEAM } from './workspace.ts'

/** https://docs.slack.dev/interactivity/handling-user-interaction: a trigger_id is good once, for three seconds. */
const LIFETIME_MS = 3000

export const createTriggers = (now: () => number) => {
  const issued = new Map<string, { readonly user: string; readonly until: number; exchanged: boolean }>()
  return {
    issue(user: string): string {
      const id = `${now()}.${TEAM.id}.${randomBytes(16).toString('hex')}`
      issued.set(id, { user, until: now() + LIFETIME_MS, exchanged: false })
      return id
    },

    /** The user whose interaction it was. */
    exchange(id: string): string {
      const trigger = issued.get(id)
      if (!trigger) throw new SlackError('invalid_trigger_id')
      if (trigger.exchanged) throw new SlackError('exchanged_trigger_id')
      if (now() > trigger.until) throw new SlackError('expired_trigger_id')
      trigger.exchanged = true
      return trigger.user
    },
  }
}

export type Triggers = ReturnType<typeof createTriggers>
