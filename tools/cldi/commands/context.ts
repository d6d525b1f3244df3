import { Argument, type Program } from "../../../shared/cli/mod.ts";
import { type Context, sortedContexts } from "../context.ts";
import type { Json } from "../json.ts";
import type { InSession } from "../command.ts";

const NAME = () => new Argument("<context-name>");

const contextJson = (context: Context): Json => ({ ...context });

/** Adds `context` and its commands (spec/cldi.md, section 10). */
export function addContextCommands(program: Program, inSession: InSession): void {
  const context = program.command("context").alias("ctx").description("Context commands");
  context.command("save").addArgument(NAME())
    .action(
      inSession((session, name: string) => session.folder.saveContext(name, session.context)),
    );
  context.command("list").aliases(["ls", "l"]).description("list contexts")
    .action(inSession((session) => {
      const { contextFile } = session.folder;
      const contexts = sortedContexts(contextFile).map(([name, saved]) =>
        [name, contextJson(saved)] as const
      );
      session.printJson({
        contexts: Object.fromEntries(contexts),
        current_context: contextJson(session.context),
        default_context: contextFile.defaultContext,
      });
    }));
  context.command("delete").aliases(["del", "rm"]).addArgument(NAME())
    .action(inSession((session, name: string) => session.folder.deleteContext(name)));
  context.command("default")
    .description("set a context as default and switch current context to it")
    .addArgument(NAME())
    .action(inSession((session, name: string) => session.folder.setDefaultContext(name)));
}
