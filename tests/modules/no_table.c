/* A shared object, but no module. */
int no_table_answer(void);

int no_table_answer(void)
{
    return 42;
}
