import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { faultsOf } from '../block-kit.ts'
import { SlackError } from '../slack-error.ts'
import { viewSchema } from '../view.ts'
import { BOT, TEAM } from '../workspace.ts'
import type { Method } from './method.ts'

const argsSchema = z.object({ trigger_id: z.string(), view: z.unknown() })

/** A view that is refused leaves its trigger_id good. */
export const viewsOpen: Method = ({ triggers, views, now }, args) => {
  const { trigger_id, view } = argsSchema.parse(args)
  const read = viewSchema.safeParse(view)
  if (!read.success) throw new SlackError('invalid_arguments', { faults: faultsOf('view', read.error) })
  const user = triggers.exchange(trigger_id)
  const id = `V0${randomBytes(5).toString('hex').toUpperCase()}`
  views.push({ ...read.data, id, user })
  return {
    view: {
      private_metadata: '',
      callback_id: '',
      external_id: '',
      clear_on_close: false,
      notify_on_close: false,
      submit: null,
      close: null,
      ...read.data,
      id,
      team_id: TEAM.id,
      state: { values: {} },
      hash: `${Math.floor(now() / 1000)}.${randomBytes(4).toString('hex')}`,
      root_view_id: id,
      previous_view_id: null,
      app_id: BOT.app,
      app_installed_team_id: TEAM.id,
      bot_id: BOT.bot,
    },
  }
}
