import type { Route } from './route.ts'

/** What the plan of this account allows; the names are PagerDuty's. */
export const listAbilities: Route = {
  method: 'GET',
  path: /^\/abilities$/,
  answer: () => ({
    abilities: ['advanced_reports', 'coordinated_responding', 'read_only_users', 'teams', 'urgencies'],
  }),
}
