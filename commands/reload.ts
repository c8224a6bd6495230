import { sayChange } from "../src/catalog/changes.ts";
import type { System } from "../src/catalog/types.ts";
import { actorOf, type Command, type Request } from "../src/command/command.ts";
import type { CommandContext } from "../src/command/context.ts";
import { say, stop } from "../src/command/reply/say.ts";
import { asNamed } from "../src/command/resolve/system.ts";
import { oneOf, personOf, roleTitle } from "../src/incident/people.ts";
import { catalogueRefused, catalogueReloaded, catalogueUnchanged } from "../templates/messages/incident/answers.ts";
import { mayNotReload, noBotHere } from "../templates/messages/kit/command-refusals.ts";

export const reload: Command = {
  verb: "reload",
  aliases: [],
  summary: "Reload the catalogue and roster, all or nothing. Changed files also reload automatically.",
  usage: "/dr reload",
  examples: ["/dr reload"],
  async handle(context, request) {
    if (!isAdministrator(context, request)) return stop(refusal(context));
    if (context.reload === undefined) return stop(noBotHere("reload-nowhere"));
    const done = await context.reload(actorOf(request.caller));
    switch (done.kind) {
      case "unchanged":
        return say(catalogueUnchanged());
      case "refused":
        return say(catalogueRefused(done.problems));
      case "changed":
        return say(
          catalogueReloaded(
            done.systems.flatMap(({ system, says }) => says.slice(0, 20).map((one) => `${system}: ${sayChange(one)}`)),
          ),
        );
      default:
        return done satisfies never;
    }
  },
};

function isAdministrator(context: CommandContext, { caller }: Request): boolean {
  return context.catalog.systems.some((system) => {
    const person = personOf(actorOf(caller), system);
    return person !== null && holds(system, person.roles);
  });
}

function holds({ administrators = [] }: System, roles: readonly string[]): boolean {
  return administrators.some((role) => roles.includes(role));
}

function refusal(context: CommandContext) {
  const { catalog } = context;
  const able = catalog.systems.flatMap((system) =>
    asNamed(context, system)
      .people.filter(({ roles }) => holds(system, roles))
      .map(({ name }) => name),
  );
  const roles = catalog.systems.flatMap((system) =>
    (system.administrators ?? []).map((role) => roleTitle(role, system)),
  );
  return mayNotReload([...new Set(roles)], oneOf([...new Set(able)]));
}
