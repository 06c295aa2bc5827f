/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl completion: scripts by which bash, zsh and fish complete aggctl, and
 * the lists of its manual, all made from its own tables. What may follow a verb is
 * told by the words of its args: DIR, NAME, SITE, UPLINK.
 */
#include "agg/ctl/aggctl.h"

#include <string.h>

/* Rows of one name are one verb: is it the first of them? */
static bool is_first(const struct aggctl_verb *v)
{
	return v == aggctl_verbs || strcmp(v->name, v[-1].name) != 0;
}

static unsigned takes_of(const struct aggctl_verb *first)
{
	unsigned takes = 0;

	for (const struct aggctl_verb *v = first; v->name &&
	     !strcmp(v->name, first->name); v++)
		takes |= v->takes;
	return takes;
}

static bool has_word(const struct aggctl_verb *first, const char *word)
{
	for (const struct aggctl_verb *v = first; v->name &&
	     !strcmp(v->name, first->name); v++)
		if (strstr(v->args, word))
			return true;
	return false;
}

static bool is_of(const struct aggctl_option *o, unsigned takes)
{
	return !o->takes || o->takes & takes;
}

/* "--json --watch", of a verb's; those that every verb takes for takes 0. */
static void print_options_of(unsigned takes)
{
	for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++)
		if (is_of(o, takes))
			printf(" --%s", o->name);
}

/* What the shell asks for the words of a verb; "" : nothing. */
static const char *source_of(const struct aggctl_verb *v)
{
	if (has_word(v, "bash|zsh"))
		return "echo bash zsh fish man";
	if (has_word(v, "order NAME"))
		return "{ echo order; echo reinjection; aggctl scheduler 2>/dev/null | "
		       "sed -n 's/^\\(scheduler\\|order\\|reinjection\\) *\\([a-z_]*\\)"
		       ".*/\\2/p'; }";
	if (has_word(v, "UPLINK"))
		return "aggctl uplinks 2>/dev/null | sed -n '/^uplink /,/^$/"
		       "s/^\\([a-z0-9_]*\\)  .*/\\1/p'";
	if (has_word(v, "SITE"))
		return "aggctl sites 2>/dev/null | sed -n '/^site /,/^$/"
		       "s/^\\([a-z0-9_]*\\)  .*/\\1/p'";
	return "";
}

/* bash --------------------------------------------------------------------------- */

static void bash_values(void)
{
	puts("	case $prev in");
	for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++) {
		if (!o->value)
			continue;
		printf("	%s%.1s%s--%s) ", aggctl_is_short(o) ? "-" : "",
		       aggctl_is_short(o) ? &o->letter : "",
		       aggctl_is_short(o) ? "|" : "", o->name);
		if (!strcmp(o->name, "class"))
			puts("COMPREPLY=($(compgen -W 'interactive bulk' -- "
			     "\"$cur\")); return ;;");
		else
			puts("COMPREPLY=($(compgen -f -- \"$cur\")); return ;;");
	}
	puts("	esac");
}

static void bash_skip(void)
{
	puts("	for ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "		case ${COMP_WORDS[i]} in");
	for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++)
		if (o->value)
			printf("		%s%.1s%s--%s) ((i++)) ;;\n",
			       aggctl_is_short(o) ? "-" : "",
			       aggctl_is_short(o) ? &o->letter : "",
			       aggctl_is_short(o) ? "|" : "", o->name);
	puts("		-*) ;;\n"
	     "		*) verb=${COMP_WORDS[i]}; break ;;\n"
	     "		esac\n"
	     "	done");
}

static void bash_verbs(void)
{
	puts("	case $verb in\n	'') words=\"");
	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++)
		if (is_first(v))
			printf("%s ", v->name);
	print_options_of(~0u);
	puts("\" ;;");
	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++) {
		if (!is_first(v))
			continue;
		printf("	%s) words=\"", v->name);
		print_options_of(takes_of(v));
		printf("\"");
		if (*source_of(v))
			printf("; words+=\" $(%s)\"", source_of(v));
		if (has_word(v, "DIR"))
			printf("; COMPREPLY=($(compgen -d -- \"$cur\"))");
		puts(" ;;");
	}
	puts("	esac");
}

static void print_bash(void)
{
	puts("# bash completion of aggctl; made by: aggctl completion bash\n"
	     "_aggctl() {\n"
	     "	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	     "	local verb= words= i\n"
	     "	COMPREPLY=()");
	bash_values();
	bash_skip();
	bash_verbs();
	puts("	[[ $cur == -* || -n $words ]] &&\n"
	     "		COMPREPLY+=($(compgen -W \"$words\" -- \"$cur\"))\n"
	     "}\n"
	     "complete -F _aggctl aggctl");
}

/* zsh ------------------------------------------------------------------------------ */

/* A text in single quotes, where a colon would end it. */
static void print_quoted(const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (*text == ':' || *text == '[' || *text == ']')
			printf("\\%c", *text);
		else
			putchar(*text);
}

static void zsh_options(unsigned takes)
{
	for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++) {
		if (!is_of(o, takes))
			continue;
		printf(" '--%s[", o->name);
		print_quoted(o->help);
		printf("]%s%s%s'", o->value ? ":" : "", o->value ? o->value : "",
		       !o->value ? "" : !strcmp(o->name, "class") ?
		       ":(interactive bulk)" : ":_files");
	}
}

static void print_zsh(void)
{
	puts("#compdef aggctl\n# zsh completion of aggctl; made by: aggctl completion "
	     "zsh\n_aggctl() {\n	local -a verbs\n	local line state\n"
	     "	verbs=(");
	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++)
		if (is_first(v)) {
			printf("		'%s:", v->name);
			print_quoted(v->help);
			puts("'");
		}
	puts("	)");
	printf("	_arguments -C");
	zsh_options(~0u);
	puts(" '1: :->verb' '*:: :->rest'\n	case $state in\n"
	     "	verb) _describe command verbs ;;\n	rest)\n		case $line[1] in");
	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++) {
		if (!is_first(v))
			continue;
		printf("		%s) _arguments", v->name);
		zsh_options(takes_of(v));
		if (has_word(v, "DIR"))
			printf(" '*:DIR:_files -/'");
		else if (*source_of(v))
			printf(" '*::word:_words'");
		puts(" ;;");
	}
	puts("		esac ;;\n	esac\n}\n_words() {\n	case $line[1] in");
	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++)
		if (is_first(v) && *source_of(v))
			printf("	%s) compadd -- $(%s) ;;\n", v->name, source_of(v));
	puts("	esac\n}\n_aggctl \"$@\"");
}

/* fish ------------------------------------------------------------------------------ */

/* A text in single quotes. */
static void fish_quoted(const char *text)
{
	for (; *text; text++)
		printf("%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
}

static void fish_option(const struct aggctl_option *o, const char *verb)
{
	printf("complete -c aggctl");
	if (verb)
		printf(" -n '__fish_seen_subcommand_from %s'", verb);
	if (aggctl_is_short(o))
		printf(" -s %c", o->letter);
	printf(" -l %s%s -d '", o->name, !o->value ? "" :
	       !strcmp(o->name, "class") ? " -xa 'interactive bulk'" : " -rF");
	fish_quoted(o->help);
	puts("'");
}

static void print_fish(void)
{
	puts("# fish completion of aggctl; made by: aggctl completion fish\n"
	     "complete -c aggctl -f");
	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++) {
		if (!is_first(v))
			continue;
		printf("complete -c aggctl -n __fish_use_subcommand -a %s -d '",
		       v->name);
		fish_quoted(v->help);
		puts("'");
		for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++)
			if (o->takes & takes_of(v))
				fish_option(o, v->name);
		if (has_word(v, "DIR"))
			printf("complete -c aggctl -n '__fish_seen_subcommand_from %s' "
			       "-a '(__fish_complete_directories)'\n", v->name);
		else if (*source_of(v)) {
			printf("complete -c aggctl -n '__fish_seen_subcommand_from %s' "
			       "-a '(sh -c \"", v->name);
			fish_quoted(source_of(v));
			puts("\" | string split \" \")'");
		}
	}
	for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++)
		if (!o->takes)
			fish_option(o, NULL);
}

/* The manual ---------------------------------------------------------------------- */

/* Of scdoc(5): what it would take for its own is escaped. */
static void man_escaped(const char *text)
{
	for (; *text; text++)
		printf("%s%c", strchr("*_\\#[|<>", *text) ? "\\" : "", *text);
}

static void print_man(void)
{
	puts("# COMMANDS\n");
	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++) {
		printf("*%s*%s", v->name, *v->args ? " " : "");
		man_escaped(v->args);
		printf("\n\t");
		man_escaped(v->help);
		puts(".\n");
	}
	puts("# OPTIONS\n");
	for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++) {
		printf("*%s%.1s%s--%s*%s%s%s\n\t", aggctl_is_short(o) ? "-" : "",
		       aggctl_is_short(o) ? &o->letter : "",
		       aggctl_is_short(o) ? "*, *" : "", o->name,
		       o->value ? " _" : "", o->value ? o->value : "",
		       o->value ? "_" : "");
		man_escaped(o->help);
		puts(".\n");
	}
}

int verb_completion(const struct aggctl_options *options,
                    const char *const *words)
{
	static const struct { const char *name; void (*print)(void); } all[] = {
		{ "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish },
		{ "man", print_man },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i].name, words[1])) {
			all[i].print();
			return EXIT_DONE;
		}
	aggctl_complain(options, "completion '%s'; allowed: bash, zsh, fish, man\n",
	                words[1]);
	return EXIT_USAGE;
}
